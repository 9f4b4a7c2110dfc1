// greeter SERVER MY_ID [PEER_ID]: two of these say hello to each other.
#include <pinhole/pinhole.h>
#include <stdio.h>

int main(int argc, char** argv) {
    pinhole_config config = PINHOLE_CONFIG_INIT;
    if (argc < 3) return 2;
    config.server = argv[1];
    config.id = argv[2];
    const char* other = argc > 3 ? argv[3] : NULL;

    pinhole_node* node = NULL;
    int error = pinhole_open(&config, &node);
    if (!error && other) error = pinhole_connect(node, other, PINHOLE_KEEP_TRYING, NULL);
    if (error) fprintf(stderr, "%s\n", pinhole_last_error());
    for (int done = error; !done && pinhole_poll(node, -1) >= 0;) {
        for (const pinhole_event* event; (event = pinhole_next_event(node)) != NULL;) {
            if (event->type == PINHOLE_EVENT_CONNECTED) {
                char text[64];
                const int size = snprintf(text, sizeof text, "hello from %s", argv[2]);
                pinhole_send(node, event->peer, 1, text, (size_t)size, 0);
            } else if (event->type == PINHOLE_EVENT_MESSAGE) {
                printf("%.*s\n", (int)event->as.message.size, (const char*)event->as.message.data);
                if (other) pinhole_disconnect(node, event->peer);
            } else if (event->type == PINHOLE_EVENT_CLOSED) {
                done = 1;
            }
        }
    }
    pinhole_close(node);
    return error ? 1 : 0;
}
