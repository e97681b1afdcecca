// Package browsertest drives Chromium in tests, as a user does: it opens pages, gives
// files to them, clicks, and looks at what there is.
//
// It speaks the DevTools protocol over a pipe, which needs neither a port nor a library:
// messages are JSON, each ended by a zero byte (--remote-debugging-pipe).
package browsertest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// patience is how long a browser may take for one command, on a machine that is busy with
// other tests.
const patience = 2 * time.Minute

// A Page is a tab of a browser of its own.
type Page struct {
	t       testing.TB
	in      *os.File
	session string

	mu       sync.Mutex
	next     int
	waiting  map[int]chan answer
	requests []string
	logged   []string
	loaded   chan struct{}
}

// An answer is what the browser says to a command.
type answer struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct{ Message string }
}

// Open starts a browser with an empty page, which ends with the test. It skips the test if
// there is no Chromium.
func Open(t testing.TB, flags ...string) *Page {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil && path == "" {
			path = found
		}
	}
	if path == "" {
		t.Skip("there is no chromium here: install it to see pages as a browser does")
	}
	profile, err := os.MkdirTemp("", "chromium")
	if err != nil {
		t.Fatal(err)
	}
	theirIn, ourOut, err1 := os.Pipe()
	ourIn, theirOut, err2 := os.Pipe()
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
		"--user-data-dir=" + profile, "--remote-debugging-pipe", "about:blank",
	}, flags...)...)
	cmd.ExtraFiles = []*os.File{theirIn, theirOut}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirIn.Close()
	theirOut.Close()
	p := &Page{t: t, in: ourOut, waiting: map[int]chan answer{}, loaded: make(chan struct{}, 1)}
	go p.listen(ourIn)
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		ourOut.Close()
		os.RemoveAll(profile)
	})
	p.attach()
	return p
}

// attach finds the page and makes it report what it does.
func (p *Page) attach() {
	p.t.Helper()
	var targets struct {
		TargetInfos []struct{ TargetID, Type string }
	}
	p.command("Target.getTargets", nil, &targets)
	for _, target := range targets.TargetInfos {
		if target.Type == "page" {
			var session struct{ SessionID string }
			p.command("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &session)
			p.session = session.SessionID
		}
	}
	for _, domain := range []string{"Page.enable", "Network.enable", "Runtime.enable", "Log.enable"} {
		p.command(domain, nil, nil)
	}
}

// listen reads what the browser says until it ends.
func (p *Page) listen(from *os.File) {
	defer from.Close()
	r := bufio.NewReader(from)
	for {
		message, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var a answer
		if json.Unmarshal(message[:len(message)-1], &a) != nil {
			continue
		}
		p.mu.Lock()
		if waiting := p.waiting[a.ID]; a.ID != 0 && waiting != nil {
			delete(p.waiting, a.ID)
			waiting <- a
		}
		p.event(&a)
		p.mu.Unlock()
	}
}

func (p *Page) event(a *answer) {
	switch a.Method {
	case "Page.loadEventFired":
		select {
		case p.loaded <- struct{}{}:
		default:
		}
	case "Network.requestWillBeSent":
		var r struct{ Request struct{ URL string } }
		if json.Unmarshal(a.Params, &r) == nil {
			p.requests = append(p.requests, r.Request.URL)
		}
	case "Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown":
		p.logged = append(p.logged, string(a.Params))
	}
}

// command sends a command and waits for its result.
func (p *Page) command(method string, params any, result any) {
	p.t.Helper()
	p.mu.Lock()
	p.next++
	id, done := p.next, make(chan answer, 1)
	p.waiting[id] = done
	p.mu.Unlock()
	message := map[string]any{"id": id, "method": method}
	if params != nil {
		message["params"] = params
	}
	if p.session != "" {
		message["sessionId"] = p.session
	}
	text, err := json.Marshal(message)
	if err == nil {
		_, err = p.in.Write(append(text, 0))
	}
	if err != nil {
		p.t.Fatalf("%s: %v", method, err)
	}
	select {
	case a := <-done:
		if a.Error != nil {
			p.t.Fatalf("%s: %s", method, a.Error.Message)
		}
		if result != nil {
			if err := json.Unmarshal(a.Result, result); err != nil {
				p.t.Fatalf("%s: %v in %.300s", method, err, a.Result)
			}
		}
	case <-time.After(patience):
		p.t.Fatalf("%s: the browser did not answer within %v", method, patience)
	}
}

// Go opens a URL and waits until it is loaded.
func (p *Page) Go(url string) {
	p.t.Helper()
	select {
	case <-p.loaded:
	default:
	}
	p.command("Page.navigate", map[string]any{"url": url}, nil)
	select {
	case <-p.loaded:
	case <-time.After(patience):
		p.t.Fatalf("%s is not loaded after %v", url, patience)
	}
}

// Eval is the value of an expression of JavaScript, or of the promise that it gives, as
// JSON in result.
func (p *Page) Eval(result any, format string, args ...any) {
	p.t.Helper()
	expression := fmt.Sprintf(format, args...)
	var r struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	p.command("Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true}, &r)
	if e := r.ExceptionDetails; e != nil {
		p.t.Fatalf("%s: %s %s", expression, e.Text, e.Exception.Description)
	}
	if result != nil {
		if err := json.Unmarshal(r.Result.Value, result); err != nil {
			p.t.Fatalf("%s: %v in %.300s", expression, err, r.Result.Value)
		}
	}
}

// Wait waits until an expression of JavaScript is true.
func (p *Page) Wait(format string, args ...any) {
	p.t.Helper()
	expression := fmt.Sprintf(format, args...)
	var ok bool
	p.Eval(&ok, `new Promise(done => {
		const until = Date.now() + %d, look = () => { if (%s) done(true); else if (Date.now() > until) done(false); else setTimeout(look, 20); };
		look();
	})`, (patience * 3 / 4).Milliseconds(), expression)
	if !ok {
		p.t.Fatalf("still not so: %s", expression)
	}
}

// Choose gives files to an <input type=file>, as its dialog does.
func (p *Page) Choose(selector string, files ...string) {
	p.t.Helper()
	var object struct{ Result struct{ ObjectID string } }
	p.command("Runtime.evaluate", map[string]any{"expression": fmt.Sprintf("document.querySelector(%q)", selector)}, &object)
	p.command("DOM.setFileInputFiles", map[string]any{"files": files, "objectId": object.Result.ObjectID}, nil)
}

// Drop drops files at a point, in pixels of the window, as a file manager does.
func (p *Page) Drop(x, y float64, files ...string) {
	p.t.Helper()
	const copying = 1
	for _, kind := range []string{"dragEnter", "dragOver", "drop"} {
		p.command("Input.dispatchDragEvent", map[string]any{"type": kind, "x": x, "y": y,
			"data": map[string]any{"items": []any{}, "files": files, "dragOperationsMask": copying}}, nil)
	}
}

// Click presses and releases the mouse, in pixels of the window.
func (p *Page) Click(x, y float64) { p.Drag(x, y, x, y) }

// Drag presses the mouse at a point, in pixels of the window, and releases it at another.
func (p *Page) Drag(x, y, toX, toY float64) {
	p.t.Helper()
	for _, step := range []struct {
		kind    string
		x, y    float64
		buttons int
	}{{"mousePressed", x, y, 1}, {"mouseMoved", toX, toY, 1}, {"mouseReleased", toX, toY, 0}} {
		p.command("Input.dispatchMouseEvent", map[string]any{"type": step.kind, "x": step.x, "y": step.y, "button": "left", "buttons": step.buttons, "clickCount": 1}, nil)
	}
}

// Press presses and releases Tab or Enter.
func (p *Page) Press(key string) {
	p.t.Helper()
	press := map[string]any{"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": '\t'}
	if key == "Enter" {
		press["windowsVirtualKeyCode"], press["text"] = '\r', "\r"
	}
	p.command("Input.dispatchKeyEvent", press, nil)
	press["type"] = "keyUp"
	p.command("Input.dispatchKeyEvent", press, nil)
}

// Screen makes the window so large, as a phone's if it is narrow, and light or dark.
func (p *Page) Screen(width, height int, dark bool) {
	p.t.Helper()
	p.command("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}, nil)
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	p.command("Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]any{"name": "prefers-color-scheme", "value": scheme}}}, nil)
}

// PDF is the page as it is printed, on A4.
func (p *Page) PDF() []byte {
	p.t.Helper()
	var r struct{ Data []byte }
	p.command("Page.printToPDF", map[string]any{"paperWidth": 8.27, "paperHeight": 11.69, "printBackground": false}, &r)
	return r.Data
}

// Requests are the URLs that the page asked for so far.
func (p *Page) Requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.requests...)
}

// Logged are the messages on the page's console so far, and its errors.
func (p *Page) Logged() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.logged...)
}
