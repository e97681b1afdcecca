package kernel

import (
	"path/filepath"
	"strings"
	"testing"
)

// recordings were made by TestKernel, so that they can be checked everywhere.
const recordings = "../../samples/real"

// TestRecordings compares tcptrace with the kernels' states when the samples were
// recorded.
func TestRecordings(t *testing.T) {
	files, err := filepath.Glob(recordings + "/*.pcap")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings in %s: %v", recordings, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(file, ".pcap")
		t.Run(filepath.Base(name), func(t *testing.T) {
			tr := readTruth(t, name+".json")
			checkStates(t, tr, file)
			checkFindings(t, tr, file, nil)
		})
	}
}
