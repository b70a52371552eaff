# `make` alone says what there is.
GOLANGCI_LINT = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

.PHONY: help run test soak lint generate build bench

help:
	@echo 'make run       the demo company, live in the browser'
	@echo 'make test      every test, with the real servers and the browser that they need, 1,500 seeds of the simulation'
	@echo '               and some 200 kills of the real binary among them'
	@echo 'make soak      the simulation with SEEDS=20000 seeds from FIRST=1000000 on, then kills, lost servers and wrong'
	@echo '               clocks on the real binary for SOAK=15m; or as many and as long as you say'
	@echo 'make lint      the linters, of a pinned version'
	@echo 'make generate  pages, JSON Schemas and pages of connectors anew; a test says when they are out of date'
	@echo 'make build     ./exeunt'
	@echo 'make bench     the benchmarks'

run:
	go run ./cmd/exeunt demo

test:
	@sh tools/test.sh

soak:
	SEEDS=$${SEEDS:-20000} FIRST=$${FIRST:-1000000} go test ./test/simulation -run 'TestSeeds$$$$' -timeout 24h
	SOAK=$${SOAK:-15m} go test ./test/e2e -v -run 'TestKilledInTheMiddle|TestSeveralServers|TestWorkGoesOnAfterAFault|Clock' -timeout 24h

lint:
	go run $(GOLANGCI_LINT) run ./...

generate:
	go generate ./...
	go run ./cmd/exeunt schema --out docs/schema
	go run ./cmd/exeunt connector pages --out docs/connectors

build:
	go build -trimpath -o exeunt ./cmd/exeunt

bench:
	go test -run '^$$' -bench . -benchmem . ./internal/engine ./internal/ledger ./internal/web/ui
