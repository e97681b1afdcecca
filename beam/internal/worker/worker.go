// Package worker lets a runner start the program itself as a worker, on machines that
// have it (environment type PROCESS): no container, and no copy of the binary that
// comes with the job.
package worker

import (
	"context"
	"flag"

	"github.com/apache/beam/sdks/v2/go/container/tools"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime/harness"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime/harness/init" // defines the flag id
	"github.com/apache/beam/sdks/v2/go/pkg/beam/util/grpcx"
)

var endpoint = flag.String("provision_endpoint", "", "where a runner that starts this program as a worker tells it what it needs (set by the runner)")

// Wanted reports whether a runner started this process as a worker.
func Wanted() bool { return *endpoint != "" }

// Run works for the runner until it hangs up.
func Run(ctx context.Context) error {
	ctx = grpcx.WriteWorkerID(ctx, flag.Lookup("id").Value.String())
	info, err := tools.ProvisionInfo(ctx, *endpoint)
	if err != nil {
		return err
	}
	return harness.MainWithOptions(ctx, info.GetLoggingEndpoint().GetUrl(), info.GetControlEndpoint().GetUrl(), harness.Options{
		StatusEndpoint:     info.GetStatusEndpoint().GetUrl(),
		RunnerCapabilities: info.GetRunnerCapabilities(),
	})
}
