// Package house holds the rules that the packages keep among themselves.
package house

import (
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/tcptrace-go/tcptrace"

// mayImport is who may import whom, as words relative to the module; "." is the
// root package. What a package does not need it may not have: the sequence
// arithmetic knows no states, states know no findings, detectors know no files,
// and what prints a report cannot run an analysis.
var mayImport = map[string]string{
	"reassembly": "",
	"fsm":        "reassembly",
	"detectors":  "fsm reassembly",

	"detectors/loopback":    "fsm reassembly",
	"detectors/middlebox":   "",
	"detectors/services":    "",
	"detectors/flowcontrol": "detectors fsm reassembly",
	"detectors/closing":     "detectors detectors/services fsm reassembly",
	"detectors/resets":      "detectors detectors/middlebox detectors/services fsm reassembly",
	"detectors/opening":     "detectors detectors/loopback fsm reassembly",
	"detectors/loss":        "detectors detectors/loopback fsm reassembly",
	"detectors/path":        "detectors detectors/loopback detectors/middlebox fsm reassembly",
	"detectors/waiting":     "detectors detectors/services fsm reassembly",
	"detectors/catalogue":   "detectors detectors/flowcontrol detectors/closing detectors/resets detectors/opening detectors/loss detectors/path detectors/waiting",
	"detectors/taps":        "detectors fsm reassembly",
	"samples":               "",

	"detectors/detectortest": "detectors detectors/catalogue internal/engine internal/scenario internal/scenario/scenariotest",

	"internal/capture":     "internal/merge internal/output internal/packet internal/sorting internal/stats internal/textcap reassembly",
	"internal/textcap":     "internal/packet reassembly",
	"internal/merge":       "",
	"internal/sorting":     "",
	"internal/stats":       "internal/sorting reassembly",
	"internal/decode":      "internal/packet reassembly",
	"internal/filter":      "",
	"internal/packed":      "internal/stats reassembly",
	"internal/packet":      "reassembly",
	"internal/pcapng":      "",
	"internal/scenario":    "internal/packet internal/pcapng internal/sorting reassembly",
	"internal/waits":       "internal/sorting detectors detectors/services fsm reassembly",
	"internal/result":      "internal/stats internal/waits detectors fsm reassembly",
	"internal/flow":        "fsm reassembly",
	"internal/watch":       "detectors fsm reassembly",
	"internal/engine":      "internal/capture internal/decode internal/flow internal/result internal/sorting internal/stats internal/waits internal/watch detectors fsm reassembly",
	"internal/shard":       "internal/capture internal/engine internal/merge internal/output internal/packed internal/sorting internal/stats reassembly",
	"internal/taps":        "internal/capture internal/decode internal/engine internal/report/quantity internal/result internal/sorting internal/stats detectors detectors/taps fsm reassembly",
	"internal/source":      "internal/capture internal/engine internal/result internal/shard internal/taps",
	"internal/names":       "",
	"internal/sockets":     "internal/report/quantity internal/result internal/sorting fsm reassembly",
	"internal/report":      "internal/report/pictures internal/report/quantity internal/result internal/scenario internal/sorting internal/waits detectors fsm reassembly",
	"internal/live":        "internal/capture internal/engine internal/filter internal/output internal/pcapng internal/result internal/sorting",
	"internal/host":        "internal/result internal/sandbox internal/sockets internal/sorting internal/tracepoints reassembly fsm",
	"internal/sandbox":     "",
	"internal/tracepoints": "",
	"internal/output":      "",
	"internal/excerpt":     "internal/result internal/scenario detectors reassembly",
	"internal/cli":         anything,

	"internal/scenario/scenariotest": "internal/capture internal/engine internal/result internal/scenario detectors",

	"internal/report/pictures": "internal/report/quantity fsm reassembly",
	"internal/report/quantity": "",

	"internal/evidence":  "internal/anonymize internal/capture internal/decode internal/output internal/packet internal/pcapng internal/result internal/sorting detectors reassembly",
	"internal/wireshark": "internal/capture internal/output internal/report internal/result internal/sorting fsm reassembly",
	"internal/anonymize": "internal/packet internal/result internal/sorting reassembly",

	".":            "internal/cli internal/engine internal/capture internal/pcapng internal/result internal/scenario internal/source internal/taps detectors detectors/catalogue detectors/taps fsm reassembly",
	"cmd/tcptrace": ".",

	"cmd/tcptrace-page":   ".", // for browsers alone
	"internal/page":       "internal/report",
	"internal/page/build": "internal/page",

	"internal/browsertest":       "",
	"internal/race":              "",
	"internal/kernel":            "",
	"internal/metamorphic":       "",
	"internal/pathsim":           "internal/packet internal/pcapng reassembly",
	"internal/bench/peers":       "internal/tracegen",
	"internal/tracegen":          "",
	"internal/tracegen/tracegen": "internal/tracegen",
}

// anything is for those that put the others together.
const anything = "*"

// doors are the packages that may import a third-party module. One door each:
// to leave a library is one commit.
var doors = map[string]string{
	"github.com/google/gopacket":    ".",
	"github.com/klauspost/compress": "internal/capture",
	"github.com/pierrec/lz4/v4":     "internal/capture",
	"github.com/ulikunitz/xz":       "internal/capture",
	"golang.org/x/net/bpf":          "internal/filter",

	"golang.org/x/net/dns/dnsmessage": "internal/names",

	"github.com/fatih/color": "internal/report",
	"github.com/spf13/pflag": "internal/cli",
	"golang.org/x/term":      "internal/cli",
	"golang.org/x/text":      "internal/capture",
	"golang.org/x/sys/unix":  "internal/host internal/live internal/sandbox internal/tracepoints",
	"github.com/cilium/ebpf": "internal/tracepoints",

	"github.com/landlock-lsm/go-landlock/landlock":  "internal/sandbox",
	"kernel.org/pub/linux/libs/security/libcap/cap": "internal/sandbox",
}

// TestImports holds the packages, without their tests, to the tables above.
func TestImports(t *testing.T) {
	imports := goList(t, "{{if .GoFiles}}{{.ImportPath}} {{join .Imports \" \"}}{{end}}", "./...")
	for _, line := range imports {
		pkg, rest, _ := strings.Cut(line, " ")
		name := relative(pkg)
		allowed, known := mayImport[name]
		if !known {
			t.Errorf("Package %s has no row in mayImport: say there whom it may import.", name)
			continue
		}
		for _, path := range strings.Fields(rest) {
			if problem := forbids(name, allowed, path); problem != "" {
				t.Error(problem)
			}
		}
	}
	for name := range mayImport {
		if !slices.ContainsFunc(imports, func(line string) bool { return relative(firstWord(line)) == name }) {
			t.Logf("There is no package %s (yet, or on this system).", name)
		}
	}
}

// tooLarge are packages that must not come into the command by way of another: what each
// would cost.
var tooLarge = map[string]string{
	"crypto/tls":                        "a quarter of the executable (docs/decisions/0013-metrics.md)",
	"net/http":                          "crypto/tls",
	"github.com/google/gopacket/layers": "6 MB of tables, and half of the time from start to answer (docs/decisions/0006-own-capture-reader-and-decoder.md)",
}

// TestTooLarge holds the command to that.
func TestTooLarge(t *testing.T) {
	for _, path := range goList(t, "{{.ImportPath}}", "-deps", "./cmd/tcptrace") {
		if cost, is := tooLarge[path]; is {
			t.Errorf("The command needs %s, which costs %s.", path, cost)
		}
	}
}

// forbids says in a sentence why the package must not import path, or nothing.
func forbids(name, allowed, path string) string {
	switch {
	case isOurs(path):
		if allowed != anything && !slices.Contains(strings.Fields(allowed), relative(path)) {
			return "Package " + name + " must not import " + relative(path) + ": it may import " + list(allowed) + "."
		}
	case isStandard(path): // everyone's
	default:
		door, known := doorOf(path)
		if !known {
			return "Package " + name + " imports " + path + ", which has no door: give it one in doors, and write down why " +
				"it came in (docs/decisions/0005-dependencies.md)."
		}
		if !slices.Contains(strings.Fields(door), name) {
			return "Package " + name + " must not import " + path + ": its door is " + door + "."
		}
	}
	return ""
}

func list(allowed string) string {
	if allowed == "" {
		return "only the standard library"
	}
	return "only " + strings.ReplaceAll(allowed, " ", ", ")
}

func doorOf(path string) (door string, known bool) {
	for lib, door := range doors {
		if path == lib || strings.HasPrefix(path, lib+"/") {
			return door, true
		}
	}
	return "", false
}

func isOurs(path string) bool { return path == module || strings.HasPrefix(path, module+"/") }

// isStandard: paths of the standard library have no dot in their first element.
func isStandard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// relative is a package's path within the module, "." for the root.
func relative(path string) string {
	if path == module {
		return "."
	}
	return strings.TrimPrefix(path, module+"/")
}

func firstWord(line string) string {
	word, _, _ := strings.Cut(line, " ")
	return word
}

// goList runs go list at the root of the module and returns its lines.
func goList(t *testing.T, format string, args ...string) []string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-pgo=off", "-f", format}, args...)...) // else all that the command needs is listed twice
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		var why string
		if exit, ok := err.(*exec.ExitError); ok {
			why = string(exit.Stderr)
		}
		t.Fatalf("go list: %v\n%s", err, why)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// TestDoors_decided holds the decision about dependencies to what is built.
func TestDoors_decided(t *testing.T) {
	decision, err := os.ReadFile("../../docs/decisions/0005-dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range goList(t, "{{.ImportPath}} {{.Module.Version}}", slices.Sorted(maps.Keys(doors))...) {
		lib, version, _ := strings.Cut(line, " ")
		row := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(tableName(lib)) + ` \| ` + regexp.QuoteMeta(version) + ` \| ` + regexp.QuoteMeta(doors[lib]) + ` \|`)
		if !row.Match(decision) {
			t.Errorf("docs/decisions/0005-dependencies.md has no row for %s %s, which comes in through %s.", tableName(lib), version, doors[lib])
		}
	}
}

// tableName is what the decision calls a library: no host, no major version.
func tableName(lib string) string {
	return regexp.MustCompile(`^github\.com/|/v\d+$`).ReplaceAllString(lib, "")
}

// TestForbids shows that the rules bite.
func TestForbids(t *testing.T) {
	for _, c := range []struct{ pkg, path, want string }{
		{"reassembly", module + "/fsm", "Package reassembly must not import fsm: it may import only the standard library."},
		{"internal/report", module + "/internal/engine", "must not import internal/engine"},
		{"internal/engine", module + "/internal/report", "must not import internal/report"},
		{"internal/flow", module + "/internal/engine", "must not import internal/engine"},
		{"internal/watch", module + "/internal/flow", "must not import internal/flow"},
		{"internal/decode", "github.com/google/gopacket/layers", "its door is .."},
		{"internal/cli", "example.com/new/thing", "which has no door"},
		{"internal/cli", module + "/internal/engine", ""},
		{"fsm", "time", ""},
	} {
		got := forbids(c.pkg, mayImport[c.pkg], c.path)
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s importing %s: %q, want %q", c.pkg, c.path, got, c.want)
		}
	}
}
