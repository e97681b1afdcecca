package detectors

// All are the detectors in the order in which they are listed and reported.
var All = []*Detector{
	// Flow control.
	ZeroWindowProbeLoop,
	ZeroWindowDeadlock,
	WindowShrunk,
	WindowOverrun,
	SmallWindow,

	// Closing.
	UnretransmittedFIN,
	PostFINAckRST,
	FINUnanswered,
	CloseWaitLeak,
	HalfCloseCut,
	FINOverHole,
	EarlyReuse,

	// Resets.
	ResetCause,
	ForgedReset,

	// Opening.
	SYNUnanswered,
	SYNAckUnanswered,
	ChallengedSYN,
	WrongSYNAck,
	SlowConnect,
	NoData,

	// Loss and path.
	Retransmissions,
	Reordering,
	SACKMismatch,
	PAWSDrops,
	DeadPeer,
	IdleBlackhole,
	MTUBlackhole,
	AckDelay,
	AckStorm,
}
