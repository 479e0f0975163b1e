# The binary of the tarball in dist/, byte for byte; nothing is built here: make image
FROM scratch AS tarball
ARG VERSION
ARG TARGETARCH
ADD dist/zuora_exporter-${VERSION}.linux-${TARGETARCH}.tar.gz /

# It has the CA certificates that a connection to Zuora needs, and no shell. The
# tag is there for Dependabot, the digest says which image it is.
FROM gcr.io/distroless/static-debian13:nonroot@sha256:f7f8f729987ad0fdf6b05eeeae94b26e6a0f613bdf46feea7fc40f7bd72953e6
ARG VERSION
LABEL org.opencontainers.image.title="zuora_exporter" \
      org.opencontainers.image.description="Prometheus exporter for Zuora data labeling jobs" \
      org.opencontainers.image.source="https://github.com/zuora-exporter/zuora_exporter" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION"
COPY --from=tarball /zuora_exporter-*/zuora_exporter /bin/
COPY --from=tarball /zuora_exporter-*/*LICENSE* /
# Numeric, so that Kubernetes can see that it is not root.
USER 65534:65534
# Where the default --config.file is looked for.
WORKDIR /etc/zuora_exporter
EXPOSE 10986
ENTRYPOINT ["/bin/zuora_exporter"]
