package report

import (
	"github.com/fatih/color"

	"github.com/tcptrace-go/tcptrace/detectors"
)

// A palette paints words for a terminal. Colour is never the only sign of
// anything: without it the text says the same.
type palette struct {
	bySeverity [3]*color.Color
	unsure     *color.Color
	bold       *color.Color
}

// newPalette makes colours that are on or off by themselves: the package's
// global switch belongs to whoever owns the terminal.
func newPalette(on bool) palette {
	paint := func(attributes ...color.Attribute) *color.Color {
		c := color.New(attributes...)
		if on {
			c.EnableColor()
		} else {
			c.DisableColor()
		}
		return c
	}
	return palette{
		bySeverity: [...]*color.Color{
			detectors.Info:     paint(color.FgCyan, color.Bold),
			detectors.Warning:  paint(color.FgYellow, color.Bold),
			detectors.Critical: paint(color.FgRed, color.Bold),
		},
		unsure: paint(color.FgMagenta, color.Bold),
		bold:   paint(color.Bold),
	}
}

func (p *palette) severity(s detectors.Severity, word string) string {
	return p.bySeverity[s].Sprint(word)
}

func (p *palette) undecided(word string) string { return p.unsure.Sprint(word) }

func (p *palette) strong(word string) string { return p.bold.Sprint(word) }
