GO   ?= go
TOOL := $(GO) tool -modfile=tools/go.mod

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build ./zuora_exporter
	$(TOOL) promu build

.PHONY: test
test: ## Run the tests
	$(GO) test ./...

.PHONY: race
race: ## Run the tests with the race detector
	$(GO) test -race ./...

.PHONY: generate
generate: ## Make docs/metrics.md, the dashboards and the PrometheusRule anew
	$(GO) generate .
	$(GO) test ./dashboards ./alerts -update

.PHONY: promql
promql: ## Check every PromQL expression, and the names in it
	$(GO) test -C promql -count=1 ./...

.PHONY: promtool
promtool: ## Test rules and panels with the promtool of Prometheus 3 (takes minutes to build)
	GOBIN=$(CURDIR)/.build $(GO) install github.com/prometheus/prometheus/cmd/promtool@v0.316.0
	PATH=$(CURDIR)/.build:$$PATH ZUORA_E2E=required $(GO) test -count=1 ./alerts ./dashboards

.PHONY: e2e
e2e: ## Run the end-to-end tests, Prometheus's and Alertmanager's too
	ZUORA_E2E=required $(GO) test ./e2e -count=1

.PHONY: soak
soak: ## Scrape, probe and reload for ten minutes, with faults
	SOAK=10m $(GO) test ./e2e -count=1 -v -run Soak -timeout 20m

.PHONY: bench
bench: ## Measure the exporter against the least there can be, and against json_exporter
	$(GO) run ./bench -write docs/performance.md

.PHONY: vulncheck
vulncheck: ## Look for known vulnerabilities
	$(TOOL) govulncheck ./...

.PHONY: lint
lint: ## Run the linters
	$(TOOL) golangci-lint run

.PHONY: fmt
fmt: ## Format the code
	$(TOOL) golangci-lint fmt

.PHONY: demo
demo: ## Run against an embedded Zuora stand-in
	$(GO) run . --demo

.PHONY: image
image: ## Build the container image zuora_exporter
	docker build -t zuora_exporter \
		--build-arg VERSION="$$(cat VERSION)" \
		--build-arg REVISION="$$(git rev-parse HEAD)" \
		--build-arg BRANCH="$$(git rev-parse --abbrev-ref HEAD)" .

.PHONY: ci
ci: ## Run all that CI runs (installs Debian packages if some are missing)
	.ci/run

.PHONY: clean
clean: ## Remove what was built
	rm -rf zuora_exporter .build .tarballs
