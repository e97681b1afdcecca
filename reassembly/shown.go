package reassembly

// Show notes that an empty segment has sequence number seq: all before it was sent, though it was not
// captured (yet: the segment may have overtaken it).
func (s *Stream) Show(seq Seq) {
	s.noted = seq
	s.known = s.known&^knowRejected | knowShown
}

// Shown reports whether an empty segment has shown more than NXT.
func (s *Stream) Shown() bool { return s.known&knowShown != 0 }

// Unshow forgets what an empty segment showed.
func (s *Stream) Unshow() {
	if s.known&knowShown != 0 {
		s.noted, s.known = 0, s.known&^knowShown
	}
}

// reached forgets what an empty segment showed once NXT has come there.
func (s *Stream) reached() {
	if s.known&knowShown != 0 && !s.noted.After(s.Nxt) {
		s.Unshow()
	}
}
