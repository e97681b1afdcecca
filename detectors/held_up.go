package detectors

import "fmt"

const (
	causeHeldUp  = "Something that all of these connections share held the answers up, and let them pass together: the host that waited, its link, its NAT or proxy, or who captured."
	actionHeldUp = "Look at what these connections share at that time, not at this server."
)

// HeldUp makes a finding undecided that says how late an answer came (Late or Held is set): late answers of other networks to the same
// host came in the same moment. Engines call it as they call SentElsewhere; frames are two of these.
func (f *Finding) HeldUp(frames [2]uint32) {
	f.Scope, f.Fault = OtherConnection, FaultUnknown
	f.Cause, f.Action = causeHeldUp, actionHeldUp
	f.Undecide(fmt.Sprintf("late answers from other networks to the same host came in the same moment (such as frames %d and %d): what they have in common may have held them up, and this one with them",
		frames[0], frames[1]))
}

// HeldBack makes a finding undecided that says how late an application answered (Held is set): in the same moment, the same host was answered,
// as late, what no application has to answer. Engines call it as they call SentElsewhere; frame is that of the other answer.
func (f *Finding) HeldBack(frame uint32) {
	f.Scope, f.Fault = WholeCapture, FaultUnknown
	f.Cause, f.Action = causeHeldUp, actionHeldUp
	f.Undecide(fmt.Sprintf("in the same moment, and after as long a time, the same host received an answer of TCP alone (frame %d, of a handshake or to what was sent again): the path, or that host, held up both", frame))
}
