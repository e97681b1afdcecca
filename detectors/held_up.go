package detectors

import "fmt"

// HeldUp makes a finding undecided that says how late an answer came (Late or Held is set): late answers of other networks to the same
// host came in the same moment. Engines call it as they call SentElsewhere; frames are two of these.
func (f *Finding) HeldUp(frames [2]uint32) {
	f.Scope, f.Fault = OtherConnection, FaultUnknown
	f.Cause = "Something that all of these connections share held the answers up, and let them pass together: the host that waited, its link, its NAT or proxy, or who captured."
	f.Action = "Look at what these connections share at that time, not at this server."
	f.Undecide(fmt.Sprintf("late answers from other networks to the same host came in the same moment (such as frames %d and %d): what they have in common may have held them up, and this one with them",
		frames[0], frames[1]))
}
