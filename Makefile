# make check must pass before a change is submitted; .ci/run does that and more,
# and installs what it needs.

TOOL := go tool -modfile=tools/go.mod
BENCH := bench-data

.PHONY: build page test check beam golden samples docs licences fuzz bench bench-diff bench-peers profile dist release dist-check

build: ## the command, as ./tcptrace
	CGO_ENABLED=0 go build -trimpath ./cmd/tcptrace

page: ## the browser page, in dist/page: docs/page.md
	go run -pgo=off ./internal/page/build dist/page

test:
	go test ./...

check:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	go vet ./...
	$(TOOL) staticcheck ./...
	go test -race ./...

beam: ## the modules that depend on this one; run it after a change of go.mod
	cd contrib/own-detector && go mod tidy
	cd beam && go mod tidy && CGO_ENABLED=0 go vet ./... && CGO_ENABLED=0 go test ./...

golden: ## update the expected output of reports, command and detectors, and show the changes
	go test ./internal/report ./internal/cli . -update
	go test ./detectors/catalogue -run Golden -update
	git --no-pager diff --stat

samples: ## the captures next to samples/*.txtar
	go test ./samples -update

docs: ## docs/detectors.md from the detectors; manual page and shell completion from the flags
	go test ./detectors/catalogue -run Docs -update
	go test ./internal/cli -run Generated -update

licences: ## docs/licences.md, from the modules in the build
	.ci/licences >docs/licences.md.new && mv docs/licences.md.new docs/licences.md

fuzz:
	.ci/fuzz 60s

bench:
	mkdir -p $(BENCH)
	go test -run '^$$' -bench . -benchmem -count 10 ./... | tee $(BENCH)/new.txt

bench-diff: ## first: make bench; mv bench-data/new.txt bench-data/old.txt; change something; make bench
	$(TOOL) benchstat $(BENCH)/old.txt $(BENCH)/new.txt

bench-peers: build ## with tcpdump, Ostermann's tcptrace and tshark
	go run ./internal/bench/peers

profile: ## a new profile for the compiler, after changes of the hot path
	mkdir -p $(BENCH)
	go test -trimpath -run '^$$' -bench 'BenchmarkRun$$' -benchtime 40x -o $(BENCH)/engine.test -cpuprofile cmd/tcptrace/default.pgo ./internal/engine

dist: ## the binaries of a release
	.ci/dist dist

release: ## all files of a release: archives, Debian packages, bills of materials, checksums
	.ci/release release

dist-check: ## that they are reproducible
	go mod verify
	.ci/same-bytes
