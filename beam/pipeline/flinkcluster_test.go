package pipeline

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/flink"

	"github.com/tcptrace-go/tcptrace/beam/internal/worker"
)

var jars = flag.String("flink", "", "`folder` with the jars of Flink, from contrib/beam/flink/flink fetch")

var patience = flag.Duration("flink-patience", 5*time.Minute, "`time` after which a job on Flink is given up; a test needs seconds")

// flinkFolder has the script that starts Flink.
const flinkFolder = "../../contrib/beam/flink"

// workersFolder is the variable with the folder in which each worker process leaves
// a file named after its process ID.
const workersFolder = "TCPTRACE_BEAM_WORKERS"

// A server is a process of Flink.
type server struct {
	t    *testing.T
	role string
	cmd  *exec.Cmd
	done chan struct{}

	mu    sync.Mutex
	lines []string
	more  chan struct{} // closed, and replaced, when there are more lines
}

// serve starts a process of Flink, which ends with the test.
func serve(t *testing.T, role string, args ...string) *server {
	t.Helper()
	s := &server{t: t, role: role, done: make(chan struct{}), more: make(chan struct{})}
	s.cmd = exec.Command(filepath.Join(flinkFolder, "flink"), append([]string{role, *jars}, args...)...)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Stdout, s.cmd.Stderr = w, w
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	go func() {
		defer r.Close()
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if testing.Verbose() {
				fmt.Fprintln(os.Stderr, role+":", lines.Text())
			}
			s.mu.Lock()
			s.lines = append(s.lines, lines.Text())
			close(s.more)
			s.more = make(chan struct{})
			s.mu.Unlock()
		}
		_ = s.cmd.Wait()
		close(s.done)
	}()
	t.Cleanup(s.stop)
	return s
}

// await waits for a line with a text and returns what follows the text.
func (s *server) await(text string) string {
	s.t.Helper()
	for seen := 0; ; {
		s.mu.Lock()
		lines, more := s.lines, s.more
		s.mu.Unlock()
		for _, line := range lines[seen:] {
			if _, after, ok := strings.Cut(line, text); ok {
				return after
			}
		}
		seen = len(lines)
		select {
		case <-more:
		case <-s.done:
			s.t.Fatalf("the %s ended without %q:\n%s", s.role, text, strings.Join(lines[max(0, len(lines)-30):], "\n"))
		}
	}
}

// stop ends the process, with its workers.
func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.done:
	case <-time.After(20 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.done
	}
	if s.t.Failed() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.t.Logf("the last lines of the %s:\n%s", s.role, strings.Join(s.lines[max(0, len(s.lines)-40):], "\n"))
	}
}

// A flinkCluster is a Flink whose workers are processes of this test binary.
type flinkCluster struct {
	t            *testing.T
	workers      string // folder with process IDs
	taskManagers []*server
	rest         string // HOST:PORT of the job manager
	port         string // setting of the job manager's other port
}

// embedded starts a job server with a cluster in the same process.
func embedded(t *testing.T) *flinkCluster {
	t.Helper()
	return newCluster(t, serve(t, "embedded", "--job-port=0", "--artifacts-dir="+t.TempDir()))
}

// standalone starts a job manager, two task managers with a slot each, and a job server.
func standalone(t *testing.T) *flinkCluster {
	t.Helper()
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	port := "jobmanager.rpc.port=" + strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	l.Close()
	manager := serve(t, "jobmanager", "-D", port, "-D", "rest.bind-port=0")
	rest := manager.await("Rest endpoint listening at ")
	c := newCluster(t, serve(t, "jobserver", "--flink-master="+rest, "--job-port=0", "--artifacts-dir="+t.TempDir()))
	c.rest, c.port = rest, port
	for range 2 {
		c.addTaskManager()
	}
	return c
}

func (c *flinkCluster) addTaskManager() {
	c.t.Helper()
	tm := serve(c.t, "taskmanager", "-D", c.port, "-D", "taskmanager.numberOfTaskSlots=1")
	tm.await("Successful registration at resource manager")
	c.taskManagers = append(c.taskManagers, tm)
}

// newCluster directs jobs to a job server.
func newCluster(t *testing.T, jobs *server) *flinkCluster {
	t.Helper()
	c := &flinkCluster{t: t, workers: t.TempDir()}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	config, _ := json.Marshal(map[string]any{"command": self, "env": map[string]string{workersFolder: c.workers}})
	setOption(t, jobopts.Endpoint, jobs.await("JobService started on "))
	setOption(t, jobopts.EnvironmentType, "PROCESS")
	setOption(t, jobopts.EnvironmentConfig, string(config))
	setOption(t, jobopts.WorkerBinary, filepath.Join(flinkFolder, "flink")) // staged but not used: better a small file
	setOption(t, jobopts.Parallelism, 2)
	jobs.await("Job server now running")
	return c
}

// setOption sets an option of Beam until the end of the test: those after it run on Prism.
func setOption[T any](t *testing.T, option *T, value T) {
	before := *option
	*option = value
	t.Cleanup(func() { *option = before })
}

// run runs one pipeline for each of the options, all in one job.
func (c *flinkCluster) run(all ...Options) beam.PipelineResult {
	c.t.Helper()
	return runOn(c.t, func(ctx context.Context, p *beam.Pipeline) (beam.PipelineResult, error) {
		ctx, cancel := context.WithTimeout(ctx, *patience)
		defer cancel()
		return flink.Execute(ctx, p)
	}, all...)
}

// kill kills the workers that are running and returns how many.
func (c *flinkCluster) kill() (n int) {
	files, _ := os.ReadDir(c.workers)
	for _, f := range files {
		id, _ := strconv.Atoi(f.Name())
		_ = os.Remove(filepath.Join(c.workers, f.Name()))
		if id > 0 && syscall.Kill(id, syscall.SIGKILL) == nil {
			n++
		}
	}
	return n
}

// runWorker is a worker process. It leaves its process ID for the test that may kill it.
func runWorker() int {
	name := filepath.Join(os.Getenv(workersFolder), fmt.Sprint(os.Getpid()))
	if err := os.WriteFile(name, nil, 0o644); err != nil {
		return 1
	}
	if err := worker.Run(context.Background()); err != nil {
		return 1
	}
	return 0
}
