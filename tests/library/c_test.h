// What the tests of pinhole.h share: `SERVER FOLDER` are their arguments, a rendezvous that runs
// and where keys may be made. Exit code 0 = all as documented.
#ifndef PINHOLE_TESTS_C_TEST_H
#define PINHOLE_TESTS_C_TEST_H

#include <pinhole/pinhole.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(claim) check((claim) ? 1 : 0, #claim, __FILE__, __LINE__)

static inline void check(int holds, const char* claim, const char* file, int line) {
    if (holds) return;
    fprintf(stderr, "%s:%d: not so: %s (last error: %s)\n", file, line, claim,
            pinhole_last_error());
    exit(1);
}

static inline pinhole_config config_of(const char* id, const char* server) {
    pinhole_config config = PINHOLE_CONFIG_INIT;
    config.id = id;
    config.server = server;
    return config;
}

static inline pinhole_node* open_node(const pinhole_config* config) {
    pinhole_node* node = NULL;
    CHECK(pinhole_open(config, &node) == PINHOLE_OK);
    CHECK(node != NULL);
    return node;
}

// What came and was not asked for yet: a node with events that nobody takes stands still.
static struct {
    pinhole_node* node;
    pinhole_event event;
} kept[512];
static size_t kept_count;
static union {
    const void* aligned;
    char bytes[65536];
} kept_room;
static size_t kept_size;

static inline const void* copy(const void* bytes, size_t size) {
    kept_size = (kept_size + 7) / 8 * 8;  // there may be pointers in it
    CHECK(kept_size + size <= sizeof kept_room.bytes);
    void* to = kept_room.bytes + kept_size;
    if (size > 0) memcpy(to, bytes, size);
    kept_size += size;
    return to;
}

static inline void copy_text(const char** text) {
    *text = copy(*text, strlen(*text) + 1);
}

static inline void keep(pinhole_node* node, const pinhole_event* given) {
    CHECK(kept_count < sizeof kept / sizeof kept[0]);
    kept[kept_count].node = node;
    pinhole_event* event = &kept[kept_count++].event;
    *event = *given;
    copy_text(&event->id);
    switch (event->type) {
        case PINHOLE_EVENT_REGISTERED:
            copy_text(&event->as.registered.server);
            copy_text(&event->as.registered.observed);
            copy_text(&event->as.registered.server_key);
            break;
        case PINHOLE_EVENT_SERVER_LOST: copy_text(&event->as.server_lost.text); break;
        case PINHOLE_EVENT_INTRODUCED:
        case PINHOLE_EVENT_CONNECTED:
        case PINHOLE_EVENT_CALL_REFUSED: copy_text(&event->as.identity.key); break;
        case PINHOLE_EVENT_MESSAGE:
            event->as.message.data = copy(event->as.message.data, event->as.message.size);
            break;
        case PINHOLE_EVENT_PATH:
            copy_text(&event->as.path.state_text);
            copy_text(&event->as.path.reason);
            copy_text(&event->as.path.text);
            copy_text(&event->as.path.remote);
            break;
        case PINHOLE_EVENT_CLOSED:
        case PINHOLE_EVENT_CONNECT_FAILED: copy_text(&event->as.end.text); break;
        case PINHOLE_EVENT_KEY_MISMATCH:
            copy_text(&event->as.mismatch.pinned);
            copy_text(&event->as.mismatch.announced);
            break;
        case PINHOLE_EVENT_MEMBERS: {
            copy_text(&event->as.members.room);
            pinhole_member list[15];
            const size_t count = event->as.members.count;
            CHECK(count <= sizeof list / sizeof list[0]);
            for (size_t i = 0; i < count; ++i) {
                list[i] = event->as.members.list[i];
                copy_text(&list[i].id);
                copy_text(&list[i].key);
            }
            event->as.members.list = copy(list, count * sizeof list[0]);
            break;
        }
        case PINHOLE_EVENT_ROOM_REFUSED:
            copy_text(&event->as.room_refused.room);
            copy_text(&event->as.room_refused.text);
            break;
        case PINHOLE_EVENT_ROOM: break;
    }
}

static inline void run(pinhole_node* node) {
    CHECK(pinhole_poll(node, 1) >= 0);
    for (const pinhole_event* event; (event = pinhole_next_event(node)) != NULL;) keep(node, event);
}

// Runs both nodes, of which `other` may be NULL, until `node` has an event of this type, at most 20
// s. Each event is found once.
static inline const pinhole_event* wait_for(pinhole_node* node, pinhole_node* other,
                                            pinhole_event_type type) {
    for (int turn = 0; turn < 10000; ++turn) {
        for (size_t i = 0; i < kept_count; ++i) {
            if (kept[i].node != node || kept[i].event.type != type) continue;
            kept[i].node = NULL;
            return &kept[i].event;
        }
        run(node);
        if (other != NULL) run(other);
    }
    fprintf(stderr, "no event %d came\n", (int)type);
    exit(1);
}

// Its events are nobody's then: a later node may stand at the same place.
static inline void close_node(pinhole_node* node) {
    pinhole_close(node);
    for (size_t i = 0; i < kept_count; ++i) {
        if (kept[i].node == node) kept[i].node = NULL;
    }
}

#endif
