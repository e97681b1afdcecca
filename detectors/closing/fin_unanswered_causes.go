package closing

// Why nothing acknowledges a FIN, where more is known than that.

// causeHeard is the cause where the peer has sent something since the FIN, so soon that it
// may have crossed it.
const causeHeard = "The peer was there when the FIN was sent. Either what it sent crossed the FIN, and nothing has come from it since (it went away, or something on the path forgot the connection); " +
	"or it answers the FIN's segments and does not accept the FIN, as a proxy may do that speaks in its name."

// causeDeaf is the cause where the peer sends again what the closer acknowledged long before.
const causeDeaf = "The peer had the connection, and its segments arrive: it retransmits what the closer had acknowledged before its FIN. So nothing that the closer sends reaches it any more: " +
	"it is lost or held up between the capture point and the peer."

// causeBoth and actionBoth are said where the peer has closed, too: nobody there waits for the end of the stream.
const (
	causeBoth = "The peer is alive, and its segments arrive; it has closed, too. Something on the path drops the closer's FINs (a firewall, a NAT, a WAN optimiser that considers the connection closed) " +
		"or all its segments (then the peer retransmits, too), or the peer's TCP ignores them."
	actionBoth = "Capture on the peer's own interface. If no FIN arrives there, check each middlebox in between. Both applications have closed: the sockets go when both hosts give up."
)

// causeOnLink is the cause where the peer's segments have passed no router.
const causeOnLink = "The peer's host no longer takes what is sent to that address: it has changed its address (look for DHCP and ARP before the FIN), or a filter there drops the segments; " +
	"or its link carries only what it sends."

// causeRefused is the cause where the peer answers the FIN each time and does not acknowledge it.
const causeRefused = "The FIN arrives, as the answers show, and the peer's TCP, or a device that answers in its name, finds it not acceptable: a device that rewrites sequence numbers has lost " +
	"its mapping, or the peer checks something that the FIN fails, such as its timestamp."

// causeCopied is the cause where a device on the path ended the connection.
const causeCopied = "The peer did not answer the FIN, and a device on the path, such as a NAT, a firewall or a carrier's proxy, ended the connection in its name. Whether the FIN reached the peer is not known."

// causeGaveUp is the cause where the closer ended the connection itself.
const causeGaveUp = "The peer is gone, or the path to it is broken, or something on the way has forgotten the connection: nothing answered the FIN. The closer gave up, as hosts do after some retransmissions, and said so by RST."

// causeForged is the cause where a RST in the closer's name came before the FIN, and the closer went on.
const causeForged = "Something else had sent a RST in the closer's name, and the closer went on. The peer accepted that RST and no longer has the connection, so that nothing there answers the FIN; or it is gone, or the path is broken."

// causeUnseen is the cause where, too, the capture has nothing of the peer.
const causeUnseen = "The retransmissions and the RST show that the closer received no ACK of its FIN. What the peer sent, if it sent anything, is not in this capture: it may be gone, or its path, or what it sends on this connection does not pass the capture point."

// causeAnswers is the cause where the closer's RST shows, too, that its peer has sent something.
const causeAnswers = "The peer was alive: a RST without ACK answers a segment and has the number that this acknowledges (RFC 9293 3.10.7.1), and no segment from the peer on this connection is in this capture. " +
	"The FIN had not reached the peer when it sent that, and the closer's socket was gone when it arrived."

// causeForgotten is the cause where the peer ended the connection.
const causeForgotten = "The peer's host no longer has the connection, and says so by RST: it had finished, so that the ACK of this FIN was lost on its way to the closer; or it gave up by itself, or was restarted."

// inItsPlace is added where the peer's RST differs from what it sent before.
const inItsPlace = " Or a device on the path, or another host, answers in its place: the TTL of the RST is not that of what the peer had sent before."

// causeEarlier is the cause where it did so without having received the FIN.
const causeEarlier = "The peer's host, or a device in its name, ended the connection by itself (an application that aborted, an idle timer): its RST acknowledges only what came before the FIN, so it had not received that. " +
	"The FINs were lost or held up on their way to it."

// causeFew is the cause where the capture ends after so few FINs that loss explains them, too.
const causeFew = "The FINs or their ACKs were lost, or the peer is gone (switched off, crashed, moved to another network), or its host or a firewall or NAT on the way has forgotten the connection and drops what it does not know. " +
	"The capture ends too soon to tell."

// fewSends is how many FINs in a row a path hardly loses that works: with one packet in five lost, one in a few thousand.
const fewSends = 5
