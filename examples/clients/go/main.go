// Runs a Sync and waits for its end: go run . SYNC REQUEST_ID
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	penstock "penstock.dev/client/penstock/v1"
)

func connect() (*grpc.ClientConn, error) {
	server := os.Getenv("PENSTOCK_SERVER")
	if server == "" {
		server = "127.0.0.1:7070"
	}
	transport := insecure.NewCredentials()
	if ca := os.Getenv("PENSTOCK_TLS_CA"); ca != "" {
		var err error
		if transport, err = credentials.NewClientTLSFromFile(ca, ""); err != nil {
			return nil, err
		}
	}
	return grpc.NewClient(server, grpc.WithTransportCredentials(transport))
}

func authorized(ctx context.Context) (context.Context, error) {
	file := os.Getenv("PENSTOCK_TOKEN_FILE")
	if file == "" {
		return ctx, nil
	}
	token, err := os.ReadFile(file)
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+strings.TrimSpace(string(token))), err
}

// The same request id gets the same run, so a call whose answer was lost is just made again.
func trigger(ctx context.Context, runs penstock.RunServiceClient, sync, requestID string) (*penstock.Run, error) {
	for {
		call, cancel := context.WithTimeout(ctx, 10*time.Second)
		response, err := runs.TriggerRun(call, &penstock.TriggerRunRequest{Sync: sync, RequestId: requestID})
		cancel()
		if code := status.Code(err); code != codes.Unavailable && code != codes.DeadlineExceeded {
			return response.GetRun(), err
		}
		time.Sleep(time.Second)
	}
}

// Follows the run; a stream that a stopping planner ended is just opened again.
func wait(ctx context.Context, runs penstock.RunServiceClient, run *penstock.Run) (*penstock.Run, error) {
	for {
		stream, err := runs.WatchRun(ctx, &penstock.WatchRunRequest{RunId: run.Id})
		for err == nil {
			var response *penstock.WatchRunResponse
			if response, err = stream.Recv(); err == nil {
				run = response.Run
			}
		}
		if run.EndTime != nil {
			return run, nil
		}
		if status.Code(err) != codes.Unavailable {
			return run, err
		}
		time.Sleep(time.Second)
	}
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: run_sync SYNC REQUEST_ID")
	}
	connection, err := connect()
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	ctx, err := authorized(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	runs := penstock.NewRunServiceClient(connection)
	run, err := trigger(ctx, runs, os.Args[1], os.Args[2])
	if err == nil {
		run, err = wait(ctx, runs, run)
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(run.Id, run.State, run.GetError().GetMessage())
	if run.State != penstock.RunState_RUN_STATE_SUCCEEDED {
		os.Exit(1)
	}
}
