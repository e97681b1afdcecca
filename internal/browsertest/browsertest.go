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
