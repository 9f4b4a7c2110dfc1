// c_api_test SERVER FOLDER: what pinhole.h refuses, and what a node alone does.
#include <pthread.h>
#include <sys/stat.h>

#include "c_test.h"

#define TEXT_MAX 512

static const char* server;
static const char* folder;

static void refuses(pinhole_config config, const char* about) {
    pinhole_node* node = (pinhole_node*)&config;
    CHECK(pinhole_open(&config, &node) == PINHOLE_ERROR_ARGUMENT);
    CHECK(node == NULL);
    if (strstr(pinhole_last_error(), about) != NULL) return;
    fprintf(stderr, "'%s' does not speak of '%s'\n", pinhole_last_error(), about);
    exit(1);
}

static void test_arguments_that_make_no_sense(void) {
    const uint8_t key[PINHOLE_KEY_SIZE] = {1};
    pinhole_node* node = NULL;
    CHECK(pinhole_open(NULL, &node) == PINHOLE_ERROR_ARGUMENT);
    const pinhole_config good = config_of("alice", server);
    CHECK(pinhole_open(&good, NULL) == PINHOLE_ERROR_ARGUMENT);
    pinhole_config config = good;
    config.size = sizeof config - 1;
    refuses(config, "PINHOLE_CONFIG_INIT");
    config = good;
    config.id = "no id";
    refuses(config, "'no id'");
    config.id = NULL;
    refuses(config, "id");
    config = good;
    config.server = "127.0.0.1:none";
    refuses(config, "port");
    config.server = NULL;
    refuses(config, "config.server");
    config = good;
    config.server_key = "pk:abc";
    refuses(config, "rv:");
    config = good;
    config.accept = (pinhole_accept)3;
    refuses(config, "config.accept");
    config = good;
    config.flags = 1u << 31;
    refuses(config, "flag");
    config = good;
    config.key = key;
    config.key_file = "key";
    refuses(config, "exclude");
}

static void test_nobody_is_no_node(void) {
    CHECK(pinhole_poll(NULL, 0) == PINHOLE_ERROR_ARGUMENT);
    CHECK(pinhole_next_event(NULL) == NULL);
    CHECK(pinhole_connect(NULL, "bob", 0, NULL) == PINHOLE_ERROR_ARGUMENT);
    CHECK(pinhole_disconnect(NULL, 1) == PINHOLE_ERROR_ARGUMENT);
    CHECK(pinhole_join(NULL, "garden") == PINHOLE_ERROR_ARGUMENT);
    CHECK(pinhole_leave(NULL, "garden") == PINHOLE_ERROR_ARGUMENT);
    CHECK(pinhole_send(NULL, 1, 0, "a", 1, 0) == PINHOLE_ERROR_ARGUMENT);
    CHECK(pinhole_has_room(NULL, 1) == PINHOLE_ERROR_ARGUMENT);
    CHECK(pinhole_unacknowledged(NULL, 1) == 0);
    CHECK(pinhole_trust(NULL, "bob", "pk:abc") == PINHOLE_ERROR_ARGUMENT);
    CHECK(strcmp(pinhole_key(NULL), "") == 0);
    pinhole_close(NULL);
}

static void test_texts_of_errors(void) {
    for (int a = PINHOLE_ERROR_INTERNAL; a <= PINHOLE_OK + 1; ++a) {
        for (int b = PINHOLE_ERROR_INTERNAL; b < a; ++b) {
            CHECK(strcmp(pinhole_error_text(a), pinhole_error_text(b)) != 0);
        }
    }
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", PINHOLE_VERSION_MAJOR, PINHOLE_VERSION_MINOR,
             PINHOLE_VERSION_PATCH);
    CHECK(strcmp(pinhole_version(), version) == 0);
}

static void test_keys(void) {
    char path[TEXT_MAX];
    snprintf(path, sizeof path, "%s/carol.key", folder);
    pinhole_config config = config_of("carol", server);
    config.key_file = path;
    pinhole_node* first = open_node(&config);
    char key[TEXT_MAX];
    snprintf(key, sizeof key, "%s", pinhole_key(first));
    CHECK(strncmp(key, "pk:", 3) == 0);
    pinhole_node* second = NULL;
    CHECK(pinhole_open(&config, &second) == PINHOLE_ERROR_IN_USE);
    close_node(first);
    first = open_node(&config);
    CHECK(strcmp(pinhole_key(first), key) == 0);
    close_node(first);
    CHECK(chmod(path, 0644) == 0);
    CHECK(pinhole_open(&config, &second) == PINHOLE_ERROR_KEY_FILE);
    CHECK(strstr(pinhole_last_error(), path) != NULL);
    config.key_file = NULL;
    config.psk_file = "/does/not/exist";
    CHECK(pinhole_open(&config, &second) == PINHOLE_ERROR_SYSTEM);

    const uint8_t secret[PINHOLE_KEY_SIZE] = {7};
    config.psk_file = NULL;
    config.key = secret;
    first = open_node(&config);
    second = open_node(&config);
    CHECK(strcmp(pinhole_key(first), pinhole_key(second)) == 0);
    close_node(second);
    config.key = NULL;
    second = open_node(&config);
    CHECK(strcmp(pinhole_key(first), pinhole_key(second)) != 0);
    close_node(second);
    close_node(first);
}

static void* call_from_another_thread(void* given) {
    pinhole_node* node = given;
    const pinhole_config config = config_of("dave", server);
    pinhole_node* opened = NULL;
    CHECK(pinhole_poll(node, 0) == PINHOLE_ERROR_THREAD);
    CHECK(strcmp(pinhole_last_error(), pinhole_error_text(PINHOLE_ERROR_THREAD)) == 0);
    CHECK(pinhole_next_event(node) == NULL);
    CHECK(pinhole_open(&config, &opened) == PINHOLE_ERROR_THREAD);
    pinhole_close(node);  // does nothing
    return NULL;
}

static void* open_and_close(void* given) {
    const pinhole_config config = config_of("dave", server);
    pinhole_close(open_node(&config));
    return given;
}

static void run_in_thread(void* (*call)(void*), void* given) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, call, given) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
}

static void test_threads(void) {
    const pinhole_config config = config_of("carol", server);
    pinhole_node* node = open_node(&config);
    run_in_thread(call_from_another_thread, node);
    CHECK(pinhole_poll(node, 0) >= 0);
    close_node(node);
    run_in_thread(open_and_close, NULL);
}

static void test_troubles_with_the_server(void) {
    pinhole_config config = config_of("carol", server);
    config.server = "0.0.0.0";  // nobody's address, so no name server is asked
    pinhole_node* node = open_node(&config);
    const pinhole_event* event = wait_for(node, NULL, PINHOLE_EVENT_SERVER_LOST);
    CHECK(event->as.server_lost.trouble == PINHOLE_TROUBLE_NAME);
    CHECK(strstr(event->as.server_lost.text, "0.0.0.0") != NULL);
    close_node(node);

    char wrong[TEXT_MAX];
    config = config_of("carol", server);
    node = open_node(&config);
    snprintf(wrong, sizeof wrong, "rv%s", pinhole_key(node) + 2);
    config.server_key = wrong;
    close_node(node);
    node = open_node(&config);
    event = wait_for(node, NULL, PINHOLE_EVENT_SERVER_LOST);
    CHECK(event->as.server_lost.trouble == PINHOLE_TROUBLE_KEY_CHANGED);
    CHECK(strstr(event->as.server_lost.text, "rv:") != NULL);
    close_node(node);
}

static void test_nobody_there(void) {
    const pinhole_config config = config_of("erin", server);
    pinhole_node* node = open_node(&config);
    const pinhole_event* event = wait_for(node, NULL, PINHOLE_EVENT_REGISTERED);
    CHECK(strcmp(event->as.registered.server, server) == 0);
    CHECK(strncmp(event->as.registered.server_key, "rv:", 3) == 0);
    CHECK(strncmp(event->as.registered.observed, "127.0.0.1:", 10) == 0);
    CHECK(event->as.registered.over_tcp == 0);
    CHECK(event->peer == 0 && strcmp(event->id, "") == 0);
    pinhole_peer nobody = 0;
    CHECK(pinhole_connect(node, "no id", 0, &nobody) == PINHOLE_ERROR_ARGUMENT);
    CHECK(pinhole_connect(node, "nobody", 2, &nobody) == PINHOLE_ERROR_ARGUMENT && nobody == 0);
    CHECK(pinhole_connect(node, "nobody", 0, &nobody) == PINHOLE_OK && nobody != 0);
    CHECK(pinhole_send(node, nobody, 1, "a", 1, 0) == PINHOLE_ERROR_NOT_CONNECTED);
    CHECK(pinhole_has_room(node, nobody) == 0);
    event = wait_for(node, NULL, PINHOLE_EVENT_CONNECT_FAILED);
    CHECK(event->peer == nobody && strcmp(event->id, "nobody") == 0);
    CHECK(event->as.end.reason == PINHOLE_REASON_UNKNOWN_PEER && event->as.end.gone == 1);
    CHECK(strstr(event->as.end.text, "unknown") != NULL);
    CHECK(pinhole_disconnect(node, nobody) == PINHOLE_ERROR_NOT_CONNECTED);
    close_node(node);
}

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    server = argv[1];
    folder = argv[2];
    test_arguments_that_make_no_sense();
    test_nobody_is_no_node();
    test_texts_of_errors();
    test_keys();
    test_threads();
    test_troubles_with_the_server();
    test_nobody_there();
    return 0;
}
