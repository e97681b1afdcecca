package catalogue

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/closing"
	"github.com/tcptrace-go/tcptrace/detectors/flowcontrol"
	"github.com/tcptrace-go/tcptrace/detectors/loss"
	"github.com/tcptrace-go/tcptrace/detectors/opening"
	"github.com/tcptrace-go/tcptrace/detectors/path"
	"github.com/tcptrace-go/tcptrace/detectors/resets"
	"github.com/tcptrace-go/tcptrace/detectors/waiting"
)

// All are the detectors in the order in which they are listed and reported.
var All = []*detectors.Detector{
	// Flow control.
	flowcontrol.ZeroWindowProbeLoop,
	flowcontrol.ZeroWindowDeadlock,
	flowcontrol.WindowShrunk,
	flowcontrol.WindowOverrun,
	flowcontrol.SmallWindow,

	// Closing.
	closing.UnretransmittedFIN,
	closing.PostFINAckRST,
	closing.FINUnanswered,
	closing.CloseWaitLeak,
	closing.HalfCloseCut,
	closing.FINOverHole,
	closing.ForgedFIN,
	opening.EarlyReuse,

	// Resets.
	resets.ResetCause,
	resets.ForgedReset,

	// Opening.
	opening.SYNUnanswered,
	opening.SYNAckUnanswered,
	opening.ChallengedSYN,
	opening.WrongSYNAck,
	opening.SlowConnect,
	opening.NoData,

	// Loss and path.
	loss.Retransmissions,
	loss.Reordering,
	loss.SACKMismatch,
	loss.PAWSDrops,
	path.DeadPeer,
	path.IdleBlackhole,
	path.MTUBlackhole,
	path.DroppedBehindTap,
	path.AckDelay,
	path.AckStorm,

	// Waiting.
	waiting.SlowResponse,
	waiting.ThroughputLimited,
}
