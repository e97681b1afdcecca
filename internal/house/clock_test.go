package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// runners may read the clock, start goroutines and print to the terminal. All that
// they run knows only the trace's clock, runs where it is called and answers
// with values: the same input gives the same bytes.
var runners = []string{".", "cmd/tcptrace", "internal/cli", "internal/engine", "internal/live", "internal/host", "internal/tracepoints", "internal/bench/peers", "internal/browsertest", "internal/page/build", "internal/tracegen/tracegen"}

// wall are the ways to see or await the machine's clock, and to print past the
// report.
var wall = map[string][]string{
	"time": {"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"},
	"fmt":  {"Print", "Printf", "Println"},
	"os":   {"Stdout", "Stderr"},
}

// TestClock_onlyTheTraces holds everything that the engine and the reports rest
// on to: no wall clock, no goroutine, no logging.
func TestClock_onlyTheTraces(t *testing.T) {
	for _, line := range goList(t, "{{.ImportPath}} {{.Dir}}", "./...") {
		pkg, dir, _ := strings.Cut(line, " ")
		if slices.Contains(runners, relative(pkg)) {
			continue
		}
		files, err := filepath.Glob(filepath.Join(dir, "*.go")) // of every system and build tag
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if !strings.HasSuffix(name, "_test.go") {
				checkFile(t, name, relative(pkg)+"/"+filepath.Base(name), nil)
			}
		}
	}
}

func checkFile(t *testing.T, name, shown string, src any) {
	t.Helper()
	for _, s := range offences(t, name, shown, src) {
		t.Error(s)
	}
}

// offences are sentences about what a file must not do.
func offences(t *testing.T, name, shown string, src any) (found []string) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, src, 0)
	if err != nil {
		t.Fatal(err)
	}
	report := func(at token.Pos, format string, args ...any) {
		found = append(found, fmt.Sprintf("%s:%d: ", shown, set.Position(at).Line)+fmt.Sprintf(format, args...))
	}
	packages := map[string]string{} // what the file calls a package, and its path
	for _, spec := range file.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		if path == "log" || strings.HasPrefix(path, "log/") {
			report(spec.Pos(), "%s is imported below the engine: return an error, or count it in the report.", path)
		}
		as := path
		if spec.Name != nil {
			as = spec.Name.Name
		}
		packages[as] = path
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			report(n.Pos(), "a goroutine is started below the engine: there, work is done where it is called.")
		case *ast.SelectorExpr:
			if id, ok := n.X.(*ast.Ident); ok && slices.Contains(wall[packages[id.Name]], n.Sel.Name) {
				report(n.Pos(), "%s.%s is used below the engine: only the trace's clock and the report's writer exist there.", id.Name, n.Sel.Name)
			}
		}
		return true
	})
	return found
}

// TestClock_bites shows what is found, and what is not.
func TestClock_bites(t *testing.T) {
	const src = `package p
import ("log/slog"; "os"; clock "time")
func f(w interface{ Now() }) {
	go f(w)
	clock.Now()
	w.Now()
	_ = clock.Second
	_, _ = slog.Default(), os.Stderr
}`
	var lines []string
	for _, s := range offences(t, "p.go", "p.go", src) {
		lines = append(lines, strings.Join(strings.SplitN(s, " ", 3)[:2], " "))
	}
	want := []string{"p.go:2: log/slog", "p.go:4: a", "p.go:5: clock.Now", "p.go:8: os.Stderr"}
	if !slices.Equal(lines, want) {
		t.Errorf("found %q, want %q", lines, want)
	}
}
