// Sends, dry-runs, fetches, lists, deletes, and reads errors and receipts with a client generated from /openapi.json.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"os"
	"time"

	fanfare "github.com/GIT_USER_ID/GIT_REPO_ID"
)

const request = `{
  "to": [
    {"address": "+15005550100", "channel": "PHONE", "variables": {"name": "Ada"}},
    {"address": "+15005550002", "channel": "PHONE", "variables": {"name": "Bob"}}
  ],
  "content": {"text": "Hello {{ name }}!"},
  "from": {"address": "+15005550100", "channel": "SMS"}
}`

func expect(isSo bool, what string, err error) {
	if !isSo {
		log.Fatalf("It is not so: %s (%v)", what, err)
	}
}

func main() {
	configuration := fanfare.NewConfiguration()
	configuration.Servers = fanfare.ServerConfigurations{{URL: os.Args[1]}}
	configuration.AddDefaultHeader("Authorization", os.Args[2])
	client := fanfare.NewAPIClient(configuration)
	ctx := context.Background()

	var body fanfare.SendMessagesRequest
	err := json.Unmarshal([]byte(request), &body)
	expect(err == nil, "a request is read", err)
	send := func() (*fanfare.SendMessagesAnswer, int, error) {
		answer, response, err := client.MessagesAPI.SendMessages(ctx).SendMessagesRequest(body).Execute()
		expect(response != nil, "there is an answer", err)
		return answer, response.StatusCode, err
	}

	accepted, status, err := send()
	expect(err == nil && status == 202 && accepted.OperationReference != nil, "a send is accepted", err)
	id := accepted.OperationReference.OperationId

	body.SetDryRun(true)
	dry, status, err := send()
	expect(err == nil && status == 200 && dry.DryRun != nil, "a dry run answers", err)
	body.SetDryRun(false)

	deadline := time.Now().Add(30 * time.Second)
	for {
		operation, _, err := client.OperationsAPI.FetchOperation(ctx, id).Execute()
		expect(err == nil, "an operation is fetched", err)
		if operation.Stats.Delivered == 1 && operation.Stats.Undelivered == 1 {
			break
		}
		expect(time.Now().Before(deadline), "the operation ends in time", nil)
		time.Sleep(50 * time.Millisecond)
	}

	list, _, err := client.MessagesAPI.ListMessages(ctx).OperationId(id).Execute()
	expect(err == nil && len(list.Messages) == 2, "two messages are listed", err)
	failures, _, err := client.OperationsAPI.ListOperationErrors(ctx, id).Execute()
	expect(err == nil && len(failures.Errors) == 1 && failures.Errors[0].Code > 0, "an error has a code", err)
	receipts, _, err := client.MessagesAPI.ListReceipts(ctx, list.Messages[0].Id).Execute()
	expect(err == nil && len(receipts.Receipts) == 1, "a message has a receipt", err)

	_, err = client.MessagesAPI.DeleteMessage(ctx, list.Messages[0].Id).Execute()
	expect(err == nil, "a message is deleted", err)
	deleted, _, err := client.MessagesAPI.FetchMessage(ctx, list.Messages[0].Id).Execute()
	expect(err == nil && deleted.DeletedAt.IsSet() && deleted.DeletedAt.Get() != nil, "a deleted message says when", err)

	body.To = nil
	_, status, err = send()
	expect(status == 400, "no recipients are refused", err)
	var refusal *fanfare.GenericOpenAPIError
	expect(errors.As(err, &refusal), "a refusal is an error of the client", err)
	problems, isList := refusal.Model().(fanfare.ErrorList)
	expect(isList && len(problems.Errors) > 0 && problems.Errors[0].Context == "$.to", "a refusal names the field", err)
}
