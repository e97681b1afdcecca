package stats

import (
	"slices"
	"time"
)

// pieces are what the pauses of a file show of how it was made. A program may have captured so many frames, written them, and begun
// again: then nobody captured in the pauses, which come after 10, 20, 30 frames, or after 100, 200, 300.
type pieces struct {
	frames uint64 // so far
	pauses []piecesPause
}

// A piecesPause comes after so many frames of the file.
type piecesPause struct {
	after uint64
	gap   Gap
}

// A file is in pieces of one of these sizes if nearly all pauses of a second, or of five, come after a multiple of it, and so many that they
// hardly do so by chance. Only the first maxPieces pauses are looked at.
var piecesSizes = [...]uint64{10, 15, 20, 25, 30, 40, 50, 64, 100, 128, 200, 250, 256, 500, 512, 1000, 1024, 2000, 2048, 5000, 10000}

const (
	minPiecesPause  = int64(time.Second)
	longPiecesPause = 5 * minPiecesPause
	maxPieces       = 1024
	oneOther        = 20     // of so many pauses, one may come elsewhere
	byChance        = 100000 // such pauses by chance: one file of so many, at most
)

// pause takes a pause longer than minPiecesPause before the next frame.
func (p *pieces) pause(g Gap) {
	if len(p.pauses) < maxPieces {
		p.pauses = append(p.pauses, piecesPause{p.frames, g})
	}
}

// gaps are the pauses between two pieces; none if the file does not seem to be in pieces.
func (p *pieces) gaps() (all []Gap) {
	for _, least := range [...]int64{minPiecesPause, longPiecesPause} {
		for _, size := range piecesSizes {
			chance, others := uint64(1), 0
			all = all[:0]
			for _, u := range p.pauses {
				switch {
				case u.gap.To-u.gap.From < least:
				case u.after%size != 0:
					others++
				default:
					if all = append(all, u.gap); len(all) > 1 {
						chance = min(chance*size, byChance)
					}
				}
			}
			if chance == byChance && others <= len(all)/oneOther {
				return slices.Clip(all)
			}
		}
	}
	return nil
}
