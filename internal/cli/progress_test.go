//go:build !js

package cli

import (
	"testing"
	"time"
)

func TestProgressLine(t *testing.T) {
	const mib = 1 << 20
	for _, tt := range []struct {
		name        string
		read, total int64
		taken       time.Duration
		columns     int
		want        string
	}{
		{"half", 250 * mib, 500 * mib, 2 * time.Second, 80, "250.0 MiB / 500.0 MiB  [===============                ]   50 %  125.0 MiB/s  2s"},
		{"the longest bar", 3 << 30, 4 << 30, 3 * time.Second, 200, "3.0 GiB / 4.0 GiB  [==============================          ]   75 %  1.0 GiB/s  1s"},
		{"the shortest bar", 250 * mib, 500 * mib, 2 * time.Second, 59, "250.0 MiB / 500.0 MiB  [=====     ]   50 %  125.0 MiB/s  2s"},
		{"no room for a bar", 250 * mib, 500 * mib, 2 * time.Second, 58, "250.0 MiB / 500.0 MiB   50 %  125.0 MiB/s  2s"},
		{"hardly any room", 250 * mib, 500 * mib, 2 * time.Second, 9, "250.0 MiB"},
		{"a file that has grown", 600, 500, time.Second, 70, "500 B / 500 B  [=================================]  100 %  600 B/s  0s"},
		{"nothing yet", 0, 500, 0, 60, "0 B / 500 B  [                        ]    0 %  0 B/s  8m20s"},
		{"pipe", 3 * 1024, 0, 90 * time.Second, 80, "3.0 KiB  34 B/s  1m30s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := progressLine(tt.read, tt.total, tt.taken, tt.columns); got != tt.want {
				t.Errorf("%q\nwant %q", got, tt.want)
			}
		})
	}
}
