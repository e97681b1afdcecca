//go:build !js

package cli

import (
	"testing"
	"time"
)

func TestProgressLine(t *testing.T) {
	const mb = 1_000_000
	for _, tt := range []struct {
		name        string
		read, total int64
		taken       time.Duration
		columns     int
		want        string
	}{
		{"half", 250 * mb, 500 * mb, 2 * time.Second, 70, "250 MB / 500 MB  [===============               ]   50 %  125 MB/s  2s"},
		{"the longest bar", 3000 * mb, 4000 * mb, 3 * time.Second, 200, "3.0 GB / 4.0 GB  [==============================          ]   75 %  1.0 GB/s  1s"},
		{"the shortest bar", 250 * mb, 500 * mb, 2 * time.Second, 50, "250 MB / 500 MB  [=====     ]   50 %  125 MB/s  2s"},
		{"no room for a bar", 250 * mb, 500 * mb, 2 * time.Second, 49, "250 MB / 500 MB   50 %  125 MB/s  2s"},
		{"hardly any room", 250 * mb, 500 * mb, 2 * time.Second, 9, "250 MB / "},
		{"a file that has grown", 600, 500, time.Second, 70, "500 bytes / 500 bytes  [=====================]  100 %  600 bytes/s  0s"},
		{"nothing yet", 0, 500, 0, 60, "0 bytes / 500 bytes  [            ]    0 %  0 bytes/s  8m20s"},
		{"pipe", 3 * 1024, 0, 90 * time.Second, 80, "3.1 kB  34 bytes/s  1m30s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := progressLine(tt.read, tt.total, tt.taken, tt.columns); got != tt.want {
				t.Errorf("%q\nwant %q", got, tt.want)
			}
		})
	}
}
