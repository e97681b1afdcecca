package waits

import "github.com/tcptrace-go/tcptrace/reassembly"

// rare is what few accounts have at a time: one in fifty.
type rare struct {
	probed [2]int64       // when a side last probed a window
	rested int64          // how long applications paused in the latest run that is not marked any more
	edge   reassembly.Seq // right edge of the window when the run's last flight began to pass the tap
	cuts   uint32         // times that its side reduced its congestion window because routers marked its segments
	pushes uint32         // times that one side spoke out of turn
	pauses uint32         // of the server, as long as end a transfer, in the answer so far
	resent uint16         // how often the first segment of the answer came again, with nothing of its host between
}

// rareOf is that of the account, to be read only.
func (l *aside) rareOf(a *Account) *rare { return l.rares.read(a.rarity, &noRare) }

var noRare rare

// noteRare is that of the account, to be written.
func (l *aside) noteRare(a *Account) *rare { return l.rares.write(&a.rarity) }

// begin forgets what the run before had.
func (l *aside) begin(a *Account) {
	if a.rarity != 0 {
		p := l.rares.at(a.rarity)
		p.edge, p.cuts = 0, 0
		l.spareRare(a, p)
	}
}

// rest notes how long applications paused.
func (l *aside) rest(a *Account, ns int64) {
	if ns != 0 || a.rarity != 0 {
		l.noteRare(a).rested = ns
	}
}

// spareRare takes it back if it says nothing.
func (l *aside) spareRare(a *Account, p *rare) {
	if *p == noRare {
		l.rares.free(&a.rarity)
	}
}
