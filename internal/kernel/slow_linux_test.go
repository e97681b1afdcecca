package kernel

import (
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"sync/atomic"
	"time"
)

// A busy machine lets a case wait for seconds between two actions. Meanwhile kernels send
// again what they are not allowed to deliver, and readers leave windows closed. What
// tcptrace says about that is true. So such findings are accepted, but only if this process did not
// get to run for a quarter of a second at some time, or if many others want to run: then
// single threads wait, which nobody notices.

const stall = 250 * time.Millisecond

// longestPause is the longest time for which this process did not get to run, and lastPause
// when the last such time of more than maxLate ended, in nanoseconds.
var longestPause, lastPause atomic.Int64

// paused is for how long it did not get to run in all.
var paused atomic.Int64

// watchPauses notes pauses for as long as the process runs.
func watchPauses() {
	const nap = 5 * time.Millisecond
	for before := time.Now(); ; {
		time.Sleep(nap)
		now := time.Now()
		if pause := int64(now.Sub(before) - nap); pause > longestPause.Load() {
			longestPause.Store(pause)
		}
		const usual = 2 * time.Millisecond
		paused.Add(max(int64(now.Sub(before)-nap-usual), 0))
		if now.Sub(before) > nap+maxLate {
			lastPause.Store(now.UnixNano())
		}
		before = now
	}
}

// causedByPauses are the findings that pauses may cause, about either host; none if there
// was no long one.
func causedByPauses() (list []finding) {
	if longestPause.Load() < int64(stall) && !crowded() {
		return nil
	}
	for _, host := range []netip.Addr{clientAddr, serverAddr} {
		list = append(list, finding{"retransmissions", "rto-stalls", host}, finding{"retransmissions", "spurious", host}, finding{"fin-unanswered", "answered", host},
			finding{"zero-window-probe-loop", "recovered", host}, finding{"dead-peer", "recovered", host}, finding{"syn-ack-unanswered", "recovered", host}, finding{"syn-unanswered", "answered-late", host})
	}
	return list
}

// crowded reports whether four times as many processes as there are processors wanted to run
// in the last minute.
func crowded() bool {
	text, _ := os.ReadFile("/proc/loadavg")
	var load float64
	_, err := fmt.Sscan(string(text), &load)
	return err == nil && load > float64(4*runtime.NumCPU())
}
