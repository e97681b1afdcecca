package detectors

// All are the detectors in the order in which they are listed and reported.
var All = []*Detector{
	ZeroWindowProbeLoop,
	UnretransmittedFIN,
	PostFINAckRST,
	DeadPeer,
}
