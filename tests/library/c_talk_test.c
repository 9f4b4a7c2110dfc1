// c_talk_test SERVER FOLDER: two nodes of one program talk by way of pinhole.h.
#include "c_test.h"

static const char* server;
static pinhole_node* alice;
static pinhole_node* bob;
// Their numbers of each other.
static pinhole_peer alice_at_bob;
static pinhole_peer bob_at_alice;

static void test_a_stranger_is_turned_away(void) {
    const pinhole_config config = config_of("stranger", server);
    pinhole_node* node = open_node(&config);
    CHECK(pinhole_connect(node, "alice", 0, NULL) == PINHOLE_OK);
    const pinhole_event* event = wait_for(alice, node, PINHOLE_EVENT_CALL_REFUSED);
    CHECK(strcmp(event->id, "stranger") == 0 && event->peer == 0);
    CHECK(strcmp(event->as.identity.key, pinhole_key(node)) == 0);
    event = wait_for(node, alice, PINHOLE_EVENT_CONNECT_FAILED);
    CHECK(event->as.end.reason == PINHOLE_REASON_UNKNOWN_PEER && event->as.end.gone == 1);
    close_node(node);
}

static void test_keys_that_are_not_the_pinned_ones(void) {
    const pinhole_config config = config_of("mallory", server);
    pinhole_node* node = open_node(&config);
    CHECK(pinhole_trust(node, "alice", "pk:short") == PINHOLE_ERROR_ARGUMENT);
    CHECK(pinhole_trust(node, "alice", pinhole_key(node)) == PINHOLE_OK);
    CHECK(pinhole_trust(alice, "mallory", pinhole_key(node)) == PINHOLE_OK);
    CHECK(pinhole_connect(node, "alice", 0, NULL) == PINHOLE_OK);
    const pinhole_event* event = wait_for(node, alice, PINHOLE_EVENT_KEY_MISMATCH);
    CHECK(strcmp(event->id, "alice") == 0);
    CHECK(strcmp(event->as.mismatch.pinned, pinhole_key(node)) == 0);
    CHECK(strcmp(event->as.mismatch.announced, pinhole_key(alice)) == 0);
    close_node(node);
}

static void test_connecting(void) {
    CHECK(pinhole_trust(alice, "bob", pinhole_key(bob)) == PINHOLE_OK);
    CHECK(pinhole_connect(bob, "ALICE", PINHOLE_KEEP_TRYING, &alice_at_bob) == PINHOLE_OK);
    pinhole_peer again = 0;
    CHECK(pinhole_connect(bob, "alice", PINHOLE_KEEP_TRYING, &again) == PINHOLE_OK);
    CHECK(again == alice_at_bob);
    const pinhole_event* event = wait_for(bob, alice, PINHOLE_EVENT_CONNECTED);
    CHECK(event->peer == alice_at_bob && strcmp(event->id, "alice") == 0);
    CHECK(strcmp(event->as.identity.key, pinhole_key(alice)) == 0);
    CHECK(event->as.identity.incoming == 0);
    event = wait_for(alice, bob, PINHOLE_EVENT_CONNECTED);
    CHECK(strcmp(event->as.identity.key, pinhole_key(bob)) == 0);
    CHECK(event->as.identity.incoming == 1);
    bob_at_alice = event->peer;
}

// The path may be any on this machine; what is said of it fits together.
static void test_path(void) {
    const pinhole_event* event = wait_for(bob, alice, PINHOLE_EVENT_PATH);
    CHECK(event->peer == alice_at_bob);
    const char* const names[] = {"direct", "relay", "relay_one_way", "lost"};
    CHECK(event->as.path.state <= PINHOLE_PATH_LOST);
    CHECK(strcmp(event->as.path.state_text, names[event->as.path.state]) == 0);
    CHECK((event->as.path.state == PINHOLE_PATH_DIRECT) == (strlen(event->as.path.remote) > 0));
    CHECK(strlen(event->as.path.reason) > 0 && strlen(event->as.path.text) > 0);
}

static void expect_message(pinhole_node* node, pinhole_node* from, const char* bytes, size_t size) {
    const pinhole_event* event = wait_for(node, from, PINHOLE_EVENT_MESSAGE);
    CHECK(event->as.message.size == size);
    CHECK(size == 0 || memcmp(event->as.message.data, bytes, size) == 0);
}

static void test_messages(void) {
    CHECK(pinhole_send(bob, alice_at_bob, 3, "to\0alice", 8, 0) == PINHOLE_OK);
    CHECK(pinhole_send(bob, alice_at_bob, 3, NULL, 0, 0) == PINHOLE_OK);
    CHECK(pinhole_send(bob, alice_at_bob, 3, NULL, 1, 0) == PINHOLE_ERROR_ARGUMENT);
    CHECK(pinhole_send(bob, alice_at_bob, 3, "a", 1, 8) == PINHOLE_ERROR_ARGUMENT);
    CHECK(pinhole_send(bob, alice_at_bob, PINHOLE_CHANNELS, "a", 1, 0) == PINHOLE_ERROR_CHANNEL);
    CHECK(pinhole_send(bob, alice_at_bob + 7, 3, "a", 1, 0) == PINHOLE_ERROR_NOT_CONNECTED);
    CHECK(pinhole_unacknowledged(bob, alice_at_bob) >= 8);
    const pinhole_event* event = wait_for(alice, bob, PINHOLE_EVENT_MESSAGE);
    CHECK(event->peer == bob_at_alice && strcmp(event->id, "bob") == 0);
    CHECK(event->as.message.channel == 3 && event->as.message.size == 8);
    CHECK(memcmp(event->as.message.data, "to\0alice", 8) == 0);
    expect_message(alice, bob, NULL, 0);
    CHECK(pinhole_send(alice, bob_at_alice, 0, "to bob", 6, PINHOLE_UNRELIABLE) == PINHOLE_OK);
    expect_message(bob, alice, "to bob", 6);
    while (pinhole_unacknowledged(bob, alice_at_bob) > 0) {
        run(bob);
        run(alice);
    }
}

// Events wait for whoever asks, and while they do nothing else happens.
static void test_polling(void) {
    CHECK(pinhole_send(bob, alice_at_bob, 1, "one", 3, 0) == PINHOLE_OK);
    while (pinhole_poll(alice, 1) == 0) run(bob);
    CHECK(pinhole_poll(alice, -1) == 1);
    CHECK(pinhole_poll(alice, 0) == 1);
    int messages = 0;
    for (const pinhole_event* event; (event = pinhole_next_event(alice)) != NULL;) {
        messages += event->type == PINHOLE_EVENT_MESSAGE;
    }
    CHECK(messages == 1);
    CHECK(pinhole_next_event(alice) == NULL);
    CHECK(pinhole_poll(alice, 0) >= 0);
}

static void test_much_at_a_time(void) {
    char* message = malloc(PINHOLE_MESSAGE_MAX + 1);
    CHECK(message != NULL);
    for (size_t i = 0; i <= PINHOLE_MESSAGE_MAX; ++i) message[i] = (char)(i * 7 + i / 251);
    CHECK(pinhole_send(bob, alice_at_bob, 2, message, PINHOLE_MESSAGE_MAX + 1, 0) ==
          PINHOLE_ERROR_TOO_LARGE);
    CHECK(pinhole_has_room(bob, alice_at_bob) == 1);
    int sent = 0;
    while (pinhole_has_room(bob, alice_at_bob) == 1) {
        CHECK(pinhole_send(bob, alice_at_bob, 2, message, PINHOLE_MESSAGE_MAX, 0) == PINHOLE_OK);
        ++sent;
    }
    int error = PINHOLE_OK;
    for (; error == PINHOLE_OK; ++sent) {
        error = pinhole_send(bob, alice_at_bob, 2, message, PINHOLE_MESSAGE_MAX, 0);
    }
    CHECK(error == PINHOLE_ERROR_QUEUE_FULL);
    --sent;  // that one was not
    int has_room = 0;
    for (int arrived = 0; arrived < sent || !has_room;) {
        CHECK(pinhole_poll(bob, 1) >= 0);
        for (const pinhole_event* event; (event = pinhole_next_event(bob)) != NULL;) {
            has_room |= event->type == PINHOLE_EVENT_ROOM && event->peer == alice_at_bob;
        }
        CHECK(pinhole_poll(alice, 1) >= 0);
        for (const pinhole_event* event; (event = pinhole_next_event(alice)) != NULL;) {
            if (event->type != PINHOLE_EVENT_MESSAGE) continue;
            ++arrived;
            CHECK(event->as.message.size == PINHOLE_MESSAGE_MAX);
            CHECK(memcmp(event->as.message.data, message, PINHOLE_MESSAGE_MAX) == 0);
        }
    }
    CHECK(pinhole_has_room(bob, alice_at_bob) == 1);
    free(message);
}

static void test_rooms(void) {
    CHECK(pinhole_join(alice, "no room") == PINHOLE_ERROR_ARGUMENT);
    CHECK(pinhole_join(alice, "garden") == PINHOLE_OK);
    const pinhole_event* event = wait_for(alice, bob, PINHOLE_EVENT_MEMBERS);
    CHECK(strcmp(event->as.members.room, "garden") == 0 && event->as.members.count == 0);
    CHECK(pinhole_join(bob, "GARDEN") == PINHOLE_OK);
    event = wait_for(bob, alice, PINHOLE_EVENT_MEMBERS);
    CHECK(event->as.members.count == 1);
    CHECK(strcmp(event->as.members.list[0].id, "alice") == 0);
    CHECK(strcmp(event->as.members.list[0].key, pinhole_key(alice)) == 0);
    event = wait_for(alice, bob, PINHOLE_EVENT_MEMBERS);
    CHECK(event->as.members.count == 1);
    CHECK(strcmp(event->as.members.list[0].id, "bob") == 0);
    CHECK(pinhole_leave(bob, "garden") == PINHOLE_OK);
    event = wait_for(alice, bob, PINHOLE_EVENT_MEMBERS);
    CHECK(event->as.members.count == 0);
}

static void test_closing(void) {
    CHECK(pinhole_send(bob, alice_at_bob, 1, "last", 4, 0) == PINHOLE_OK);
    CHECK(pinhole_disconnect(bob, alice_at_bob) == PINHOLE_OK);
    expect_message(alice, bob, "last", 4);
    const pinhole_event* event = wait_for(alice, bob, PINHOLE_EVENT_CLOSED);
    CHECK(event->peer == bob_at_alice && strcmp(event->id, "bob") == 0);
    CHECK(event->as.end.reason == PINHOLE_REASON_DONE && event->as.end.gone == 1);
    event = wait_for(bob, alice, PINHOLE_EVENT_CLOSED);
    CHECK(event->peer == alice_at_bob && strcmp(event->id, "alice") == 0);
    CHECK(event->as.end.reason == PINHOLE_REASON_LOCAL && event->as.end.gone == 1);
    CHECK(strlen(event->as.end.text) > 0);
}

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    server = argv[1];
    pinhole_config config = config_of("alice", server);
    config.accept = PINHOLE_ACCEPT_KNOWN;
    alice = open_node(&config);
    config = config_of("bob", server);
    config.flags = PINHOLE_NO_GUESSING;
    bob = open_node(&config);
    CHECK(wait_for(alice, bob, PINHOLE_EVENT_REGISTERED) != NULL);
    test_a_stranger_is_turned_away();
    test_keys_that_are_not_the_pinned_ones();
    test_connecting();
    test_path();
    test_messages();
    test_polling();
    test_much_at_a_time();
    test_rooms();
    test_closing();
    pinhole_close(bob);
    pinhole_close(alice);
    return 0;
}
