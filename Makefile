# make check is what has to pass before a change is shown to others; .ci/run
# is that and more, and installs what it needs.

TOOL := go tool -modfile=tools/go.mod
BENCH := bench-data

.PHONY: build test check golden samples docs fuzz bench bench-diff bench-peers

build: ## the command, as ./tcptrace
	CGO_ENABLED=0 go build -trimpath ./cmd/tcptrace

test:
	go test ./...

check:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	go vet ./...
	$(TOOL) staticcheck ./...
	go test -race ./...

golden: ## write what the reports and the command print now, and show what changed
	go test ./internal/report ./internal/cli . -update
	git --no-pager diff --stat

samples: ## the captures beside samples/*.txtar
	go test ./samples -run Captures -update

docs: ## docs/detectors.md, from the detectors
	go test ./detectors -run Docs -update

fuzz:
	.ci/fuzz 60s

bench:
	mkdir -p $(BENCH)
	go test -run '^$$' -bench . -benchmem -count 10 ./... | tee $(BENCH)/new.txt

bench-diff: ## first: make bench; mv bench-data/new.txt bench-data/old.txt; change something; make bench
	$(TOOL) benchstat $(BENCH)/old.txt $(BENCH)/new.txt

bench-peers: build ## beside tcpdump, Ostermann's tcptrace and tshark
	go run ./internal/bench/peers
