// Package page puts the browser page together: the command as a WebAssembly module, and what
// gives it files and shows what it says.
package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"os"
	"path/filepath"
	"text/template"

	"github.com/tcptrace-go/tcptrace/internal/report"
)

// The parts, each in a file of its own.
var (
	//go:embed page.html
	markup string
	//go:embed page.css
	style string
	//go:embed page.js
	script string
	//go:embed files.js
	files string
	//go:embed worker.js
	worker string
)

// Parts are what is built elsewhere.
type Parts struct {
	Module  []byte // cmd/tcptrace-page for js/wasm
	Runtime []byte // Go's wasm_exec.js of the same release
	Version string
}

// The files that Write makes.
const (
	Index  = "index.html"       // for a web server, beside
	Module = "tcptrace.wasm.gz" // the module
	Single = "tcptrace.html"    // everything in one file, which opens from a disk
)

// Write writes the page to a directory: for a web server, and as one file.
func Write(dir string, p Parts) error {
	packed, err := pack(p.Module)
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		Module: packed,
		Index:  p.page("'self'", ""),
		Single: p.page("'none'", `<script type="application/octet-stream" id="module">`+base64.StdEncoding.EncodeToString(packed)+"</script>"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func pack(module []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(module); err != nil {
		return nil, err
	}
	err = w.Close()
	return b.Bytes(), err
}

// page is the page with a source that it may connect to while it loads, and the module if
// that is part of it. Only its own script runs, and workers made of its own text.
func (p *Parts) page(connect, module string) []byte {
	page := struct{ Policy, Style, Worker, Script, Module, Version string }{
		Style:  report.Style() + style,
		Worker: string(p.Runtime) + "\n" + files + worker,
		Script: report.FiguresScript + script,
		Module: module, Version: p.Version,
	}
	sum := sha256.Sum256([]byte(page.Script))
	page.Policy = "default-src 'none'; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "' 'wasm-unsafe-eval'; worker-src blob:; " +
		"style-src 'unsafe-inline'; img-src data:; connect-src " + connect + "; base-uri 'none'; form-action 'none'"
	var b bytes.Buffer
	if err := template.Must(template.New("page").Parse(markup)).Execute(&b, page); err != nil {
		panic(err) // everything in it is from here
	}
	return b.Bytes()
}
