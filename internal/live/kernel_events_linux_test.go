package live_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/internal/tracepoints"
)

// dropFINs has a firewall in the namespace drop all segments with FIN that arrive.
func (w *wire) dropFINs() {
	w.Helper()
	conn, err := nftables.New(nftables.WithNetNSFd(int(w.ns)))
	w.must(err)
	table := conn.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: "filter"})
	chain := conn.AddChain(&nftables.Chain{Name: "input", Table: table, Type: nftables.ChainTypeFilter, Hooknum: nftables.ChainHookInput, Priority: nftables.ChainPriorityFilter})
	const flagsAt, fin = 13, 1
	conn.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{unix.IPPROTO_TCP}},
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: flagsAt, Len: 1},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 1, Mask: []byte{fin}, Xor: []byte{0}},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{fin}},
		&expr.Verdict{Kind: expr.VerdictDrop},
	}})
	w.must(conn.Flush())
}

// accepted is a connection that both ends know.
func (w *wire) accepted() (client, server net.Conn) {
	w.Helper()
	l := w.listen()
	client = w.dial(l.Addr().String())
	w.Cleanup(func() { client.Close() })
	server, err := l.Accept()
	w.must(err)
	w.Cleanup(func() { server.Close() })
	_, err = client.Write(make([]byte, 100))
	w.must(err)
	return client, server
}

// TestProcesses_reasons: the kernel says why it sent a RST, and that a firewall drops a FIN,
// beside the findings about them.
func TestProcesses_reasons(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	if r, err := tracepoints.Open(); err != nil {
		t.Skipf("skipped: %v", err)
	} else {
		r.Close()
	}
	s := w.sniff("-i", "lo", "--processes", "--format", "ndjson", "--set", "fin-unanswered.patience=1", "tcp")

	client, server := w.accepted()
	w.must(server.Close()) // with data unread
	_, _ = io.Copy(io.Discard, client)
	s.await(s.output, `"outcome": "unread-data"`)
	want := fmt.Sprintf(`"kernel": [{"event": "rst-sent", "end": "b", "endpoint": "%s", "reason": "TCP_ABORT_ON_CLOSE", "count": 1, "time": `, server.LocalAddr())
	if !strings.Contains(s.output(), want) {
		t.Errorf("no %s in\n%s", want, s.output())
	}

	client, server = w.accepted()
	_, err := io.ReadFull(server, make([]byte, 100))
	w.must(err)
	w.dropFINs()
	w.must(client.Close())
	s.await(s.output, `"detector": "fin-unanswered"`)
	want = fmt.Sprintf(`"event": "dropped", "end": "a", "endpoint": "%s", "reason": "NETFILTER_DROP", "count": `, client.LocalAddr())
	if !strings.Contains(s.output(), want) {
		t.Errorf("no %s in\n%s", want, s.output())
	}
	s.stop(1)
	if strings.Contains(s.output()+s.errors(), "could not be") {
		t.Errorf("root is told of limits:\n%s\n%s", s.output(), s.errors())
	}
}
