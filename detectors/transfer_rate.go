package detectors

// Rate is the transfer's throughput in bytes per second.
func (t *Transfer) Rate() float64 {
	if t.Duration() <= 0 {
		return 0
	}
	return float64(t.Bytes) / Seconds(t.Duration())
}

// AckRate is at how many bytes per second it was acknowledged, as the capture point saw it: from when the ACK of its first segment can have
// come there, until its last.
func (t *Transfer) AckRate() float64 {
	took := t.Duration() - t.Beyond
	if took <= 0 {
		return t.Rate()
	}
	return float64(t.Bytes-min(uint64(t.Left), t.Bytes)) / Seconds(took)
}
