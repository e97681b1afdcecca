package browsertest

import (
	"encoding/json"
	"fmt"
	"time"
)

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
