package detectors

// All are the detectors in the order in which they are listed and reported.
var All = []*Detector{
	ZeroWindowProbeLoop,
	ZeroWindowDeadlock,
	WindowShrunk,
	WindowOverrun,
	SmallWindow,
	UnretransmittedFIN,
	PostFINAckRST,
	DeadPeer,
	CloseWaitLeak,
	FINUnanswered,
	IdleBlackhole,
	SYNUnanswered,
	SYNAckUnanswered,
	ResetCause,
	ForgedReset,
	Retransmissions,
	HalfCloseCut,
	FINOverHole,
	Reordering,
	SACKMismatch,
	PAWSDrops,
}
