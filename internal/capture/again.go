package capture

import (
	"fmt"
	"hash/crc32"
)

// Some programs write the last frames once more before the next: the same bytes with the same times, whole runs of them. Where the times
// go back, such a run is recognised as long as it follows the frames that it repeats. It counts for nothing, and no clock was set.

const (
	againSince = stepBack / 1000 // nanoseconds: queues and processors reorder less
	rounding   = 2_000           // nanoseconds: what a time that went through a floating-point number may be off
	maxWritten = 1024            // frames
)

// again is what is remembered of a file whose times have gone back.
type again struct {
	frames [maxWritten]written // the last, those that came again left out
	n      int                 // of frames, the oldest overwritten
	next   int                 // which of all comes next if the run goes on; 0 if there is none
	late   int64               // the time of the run's last frame
	first  uint32              // the first frame that came again
	count  uint64              // how many did
}

// A written is a frame.
type written struct {
	at  int64 // as the file has it
	sum uint32
	len int32
}

func writtenOf(fr *Frame) written {
	return written{at: fr.At, sum: crc32.ChecksumIEEE(fr.Data), len: int32(len(fr.Data))}
}

// is reports whether the frame is the other once more.
func (w *written) is(other *written) bool {
	return w.sum == other.sum && w.len == other.len && uint64(w.at-other.at+rounding) <= 2*rounding
}

// copies reports whether the frame, which still has the file's time, is one that was written before, given the latest time until now.
func (a *again) copies(fr *Frame, latest int64) bool {
	seen := writtenOf(fr)
	if i := a.next; i > 0 && i < a.n && seen.is(&a.frames[i%maxWritten]) {
		return a.copied(fr, i)
	}
	if fr.At < latest-againSince {
		for i := a.n - 1; i >= 0 && i >= a.n-maxWritten; i-- {
			if seen.is(&a.frames[i%maxWritten]) {
				return a.copied(fr, i)
			}
		}
	}
	if fr.At >= latest {
		a.next = 0 // it goes on
	}
	a.frames[a.n%maxWritten] = seen
	a.n++
	return false
}

func (a *again) copied(fr *Frame, i int) bool {
	if a.count++; a.count == 1 {
		a.first = fr.Num
	}
	a.next, a.late = i+1, fr.At
	return true
}

// within reports whether a frame that goes back lies within the run that came again: it was written late, and the clock was not set.
func (a *again) within(at int64) bool { return a != nil && a.next > 0 && at >= a.late }

func (a *again) warning() string {
	return fmt.Sprintf("frames that are in it twice, with the same bytes and the same times: %d (frame %d is the first that came before); the program that wrote it did that, and they count for nothing", a.count, a.first)
}
