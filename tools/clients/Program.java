// Sends, dry-runs, fetches, lists, and reads errors and receipts with a client generated from /openapi.json.

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Instant;
import java.util.List;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.ApiResponse;
import org.openapitools.client.api.MessagesApi;
import org.openapitools.client.api.OperationsApi;
import org.openapitools.client.model.ErrorList;
import org.openapitools.client.model.MessageList;
import org.openapitools.client.model.OperationErrorList;
import org.openapitools.client.model.OperationStats;
import org.openapitools.client.model.ReceiptList;
import org.openapitools.client.model.SendMessagesAnswer;
import org.openapitools.client.model.SendMessagesRequest;

public class Program {
  static final String REQUEST =
      """
      {
        "to": [
          {"address": "+15005550100", "channel": "PHONE", "variables": {"name": "Ada"}},
          {"address": "+15005550002", "channel": "PHONE", "variables": {"name": "Bob"}}
        ],
        "content": {"text": "Hello {{ name }}!"},
        "from": {"address": "+15005550100", "channel": "SMS"}
      }
      """;

  static void expect(boolean isSo, String what) {
    if (!isSo) throw new IllegalStateException("It is not so: " + what);
  }

  public static void main(String[] args) throws Exception {
    ObjectMapper mapper = ApiClient.createDefaultObjectMapper();
    // The client knows an accepted send from a dry run by their fields.
    mapper.configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, true);
    ApiClient client = new ApiClient();
    client.setObjectMapper(mapper);
    client.updateBaseUri(args[0]);
    client.setRequestInterceptor(request -> request.header("Authorization", args[1]));
    MessagesApi messages = new MessagesApi(client);
    OperationsApi operations = new OperationsApi(client);

    SendMessagesRequest body = mapper.readValue(REQUEST, SendMessagesRequest.class);
    ApiResponse<SendMessagesAnswer> accepted = messages.sendMessagesWithHttpInfo(body, null);
    expect(accepted.getStatusCode() == 202, "a send is accepted");
    String id = accepted.getData().getOperationReference().getOperationId();

    body.setDryRun(true);
    ApiResponse<SendMessagesAnswer> dry = messages.sendMessagesWithHttpInfo(body, null);
    expect(dry.getStatusCode() == 200, "a dry run is answered");
    expect(dry.getData().getDryRun().getDryRun(), "a dry run says so");
    body.setDryRun(false);

    Instant deadline = Instant.now().plusSeconds(30);
    for (; ; Thread.sleep(50)) {
      OperationStats stats = operations.fetchOperation(id).getStats();
      if (stats.getDelivered() == 1 && stats.getUndelivered() == 1) break;
      expect(Instant.now().isBefore(deadline), "the operation ends in time");
    }

    MessageList list =
        messages.listMessages(id, null, null, null, null, null, null, null, null, null);
    expect(list.getMessages().size() == 2, "two messages are listed");
    OperationErrorList errors = operations.listOperationErrors(id, null, null);
    expect(errors.getErrors().get(0).getCode() > 0, "an error has a code");
    ReceiptList receipts = messages.listReceipts(list.getMessages().get(0).getId());
    expect(receipts.getReceipts().size() == 1, "a message has a receipt");

    body.setTo(List.of());
    try {
      messages.sendMessages(body, null);
      expect(false, "no recipients are refused");
    } catch (ApiException refusal) {
      expect(refusal.getCode() == 400, "no recipients are refused");
      ErrorList problems = mapper.readValue(refusal.getResponseBody(), ErrorList.class);
      expect(problems.getErrors().get(0).getContext().equals("$.to"), "a refusal names the field");
    }
  }
}
