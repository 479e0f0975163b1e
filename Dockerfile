FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION
ARG REVISION
ARG BRANCH
ARG TARGETOS
ARG TARGETARCH
RUN v=github.com/prometheus/common/version && \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -o /out/zuora_exporter -ldflags "-s \
      -X $v.Version=${VERSION:-$(cat VERSION)} -X $v.Revision=$REVISION -X $v.Branch=$BRANCH" .

FROM scratch
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="zuora_exporter" \
      org.opencontainers.image.description="Prometheus exporter for Zuora data labeling jobs" \
      org.opencontainers.image.source="https://github.com/zuora-exporter/zuora_exporter" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/zuora_exporter /bin/
COPY LICENSE /
# Numeric, so that Kubernetes can see that it is not root.
USER 65534:65534
# Where the default --config.file is looked for.
WORKDIR /etc/zuora_exporter
EXPOSE 10986
ENTRYPOINT ["/bin/zuora_exporter"]
