/// Pinhole for C, and for all languages that can call it: a peer with its sockets and its loop.
///
///     pinhole_open            a node with an id and a key begins to register with its rendezvous
///     pinhole_connect         asks for another peer by its id
///     pinhole_join            enters a room, whose members are told of each other
///     pinhole_send            hands a message over; it leaves with the next poll
///     pinhole_poll            runs the loop until there are events, or the time is over
///     pinhole_next_event      what happened: registered, connected, a message, the path, closed
///     pinhole_close           says goodbye
///
/// Threads: all nodes of a process belong to the thread that opened the first of them, until the
/// last one is closed. Calls from other threads are refused with PINHOLE_ERROR_THREAD.
///
/// Errors: functions return PINHOLE_OK, or a negative pinhole_error; pinhole_last_error has a
/// sentence about it. Nothing is thrown across this interface. Texts are UTF-8 and end in a zero
/// byte.
///
/// Growth: a later version only appends to structures, unions and enumerations. Initialise a
/// pinhole_config by PINHOLE_CONFIG_INIT, and skip events that you do not know.
#ifndef PINHOLE_PINHOLE_H
#define PINHOLE_PINHOLE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PINHOLE_VERSION_MAJOR 0
#define PINHOLE_VERSION_MINOR 1
#define PINHOLE_VERSION_PATCH 0

/// The version of the library that runs, "0.1.0", where the macros are of the header that was
/// compiled.
const char* pinhole_version(void);

typedef enum pinhole_error {
    PINHOLE_OK = 0,
    PINHOLE_ERROR_ARGUMENT = -1,  ///< an argument makes no sense; the call did nothing
    PINHOLE_ERROR_THREAD = -2,    ///< another thread has the nodes of this process
    PINHOLE_ERROR_MEMORY = -3,    ///< no memory
    PINHOLE_ERROR_SYSTEM = -4,    ///< the system refused: no socket, no descriptor, a file
    PINHOLE_ERROR_KEY_FILE = -5,  ///< a key file is damaged, or others may read it
    PINHOLE_ERROR_IN_USE = -6,    ///< another process or node has this identity
    PINHOLE_ERROR_ENET = -7,      ///< the process has another ENet than ours; it must come later
    PINHOLE_ERROR_TOO_MANY = -8,  ///< as many peers as a node can have at a time
    PINHOLE_ERROR_NOT_CONNECTED = -9,  ///< no connection to this peer, or it is being closed
    PINHOLE_ERROR_TOO_LARGE = -10,     ///< a message is longer than PINHOLE_MESSAGE_MAX
    PINHOLE_ERROR_QUEUE_FULL = -11,    ///< too much is unacknowledged; wait for PINHOLE_EVENT_ROOM
    PINHOLE_ERROR_CHANNEL = -12,       ///< the channel is not below PINHOLE_CHANNELS
    PINHOLE_ERROR_INTERNAL = -13       ///< a fault of ours
} pinhole_error;

/// What a code means, in general. `error` may be any number.
const char* pinhole_error_text(int error);
/// What the last call of this thread that failed says about it, with names and causes; valid until
/// the next one fails.
const char* pinhole_last_error(void);

/// The longest message, in bytes.
#define PINHOLE_MESSAGE_MAX 1048576
/// Channels are 0 to 15. Messages of one keep their order and do not wait for those of others. The
/// program `peer` has its own protocol on all of them.
#define PINHOLE_CHANNELS 16
/// Characters of an id at most, of [a-z0-9._-]; upper case is folded.
#define PINHOLE_ID_MAX 32
/// Bytes of a secret key.
#define PINHOLE_KEY_SIZE 32

/// A peer of this process.
typedef struct pinhole_node pinhole_node;
/// A node's number of another peer. 0 is nobody's.
typedef uint32_t pinhole_peer;

/// Whose calls are taken.
typedef enum pinhole_accept {
    PINHOLE_ACCEPT_ALL = 0,    ///< everybody's
    PINHOLE_ACCEPT_KNOWN = 1,  ///< of ids that pinhole_trust named, or that we connect to
    PINHOLE_ACCEPT_NONE = 2    ///< nobody's
} pinhole_accept;

/// pinhole_config.flags
#define PINHOLE_MAP_PORTS 1u    ///< ask the router for a port mapping, where there is a NAT
#define PINHOLE_NO_GUESSING 2u  ///< never guess ports, even where nothing else can work

/// What a node is told at its birth. Begin with `pinhole_config config = PINHOLE_CONFIG_INIT;`.
/// Everything is copied.
typedef struct pinhole_config {
    size_t size;         ///< sizeof(pinhole_config)
    const char* id;      ///< our name
    const char* server;  ///< the rendezvous: "host", "host:port", "[2001:db8::1]:port"
    const char*
        key_file;        ///< our key; made when missing, locked until pinhole_close. Or NULL, and:
    const uint8_t* key;  ///< PINHOLE_KEY_SIZE secret random bytes, or NULL: a new key every time
    const char* psk_file;    ///< the key of a closed group, made by `peer id --new-psk`; or NULL
    const char* server_key;  ///< "rv:..." that the server must prove; NULL: any, and it is told
    pinhole_accept accept;
    uint32_t flags;
} pinhole_config;

#define PINHOLE_CONFIG_INIT {sizeof(pinhole_config), 0, 0, 0, 0, 0, 0, PINHOLE_ACCEPT_ALL, 0}

/// Opens a node, which begins to register; `*node` is NULL after an error. A name of a server that
/// does not resolve is not an error here: PINHOLE_EVENT_SERVER_LOST tells, and it is tried again.
int pinhole_open(const pinhole_config* config, pinhole_node** node);

/// Says goodbye to the server and to all peers, and frees the node. Does not wait for what is
/// unacknowledged: pinhole_disconnect does. May take a second where a port mapping is removed. NULL
/// is taken, a call from another thread does nothing.
void pinhole_close(pinhole_node* node);

/// Our public key, "pk:...". Valid until pinhole_close.
const char* pinhole_key(const pinhole_node* node);

/// Pins a key, "pk:...": a peer with this id and another key is refused from now on.
int pinhole_trust(pinhole_node* node, const char* id, const char* key);

/// pinhole_connect: repeat until pinhole_disconnect. Without it the first failure ends it.
#define PINHOLE_KEEP_TRYING 1u

/// Asks for a connection to `id`. `*peer`, unless `peer` is NULL, is the number under which events
/// speak of it: the same while a connection exists or is being made. It is valid until
/// PINHOLE_EVENT_CLOSED or PINHOLE_EVENT_CONNECT_FAILED says that it is `gone`.
int pinhole_connect(pinhole_node* node, const char* id, uint32_t flags, pinhole_peer* peer);

/// Closes the connection after all that was sent is acknowledged; PINHOLE_EVENT_CLOSED follows.
int pinhole_disconnect(pinhole_node* node, pinhole_peer peer);

/// Enters a room of the server, a name of the form of an id: PINHOLE_EVENT_MEMBERS tells who else
/// is in it, now and with each change, and they see our id and key, whatever `accept` says. Holds
/// until pinhole_leave, or until the node is closed. With config.psk_file only those who have that
/// key find the room. Nobody is called: pinhole_connect whom you like. Entering again changes
/// nothing.
int pinhole_join(pinhole_node* node, const char* room);

/// Leaves it. Connections with its members stay.
int pinhole_leave(pinhole_node* node, const char* room);

/// pinhole_send: arrives at most once, and never after a later one of its channel. Without it a
/// message arrives once, and in order within its channel.
#define PINHOLE_UNRELIABLE 1u

/// Hands a message over, which is copied. It leaves with the next pinhole_poll.
int pinhole_send(pinhole_node* node, pinhole_peer peer, uint8_t channel, const void* data,
                 size_t size, uint32_t flags);

/// 1 when a message that is sent now leaves soon, else 0 and PINHOLE_EVENT_ROOM follows. 0 without
/// a connection, too, and then nothing follows.
int pinhole_has_room(pinhole_node* node, pinhole_peer peer);

/// Bytes that were sent and are not acknowledged; 0 for a peer that does not exist.
size_t pinhole_unacknowledged(pinhole_node* node, pinhole_peer peer);

/// Runs the loop until there are events or `timeout_ms` is over: 0 does what there is to do and
/// does not wait, -1 waits for events as long as it takes. Returns 1 with events, 0 without, or an
/// error.
///
/// A node lives in here alone: it receives, repeats and answers keepalives only while this runs, so
/// call it again within a second. While events wait for pinhole_next_event it returns 1 at once and
/// does nothing else, so that their memory stays bounded. A signal does not end it: poll with a
/// timeout and look at a flag. There is no descriptor for a loop of your own to wait on, since Asio
/// shows none: poll with 0 every few milliseconds there.
int pinhole_poll(pinhole_node* node, int timeout_ms);

typedef enum pinhole_event_type {
    PINHOLE_EVENT_REGISTERED = 1,      ///< as.registered; again after a server's restart
    PINHOLE_EVENT_SERVER_LOST = 2,     ///< as.server_lost
    PINHOLE_EVENT_INTRODUCED = 3,      ///< as.identity; the handshake is on its way
    PINHOLE_EVENT_CONNECTED = 4,       ///< as.identity; messages flow
    PINHOLE_EVENT_MESSAGE = 5,         ///< as.message
    PINHOLE_EVENT_PATH = 6,            ///< as.path
    PINHOLE_EVENT_CLOSED = 7,          ///< as.end; the connection is over
    PINHOLE_EVENT_CONNECT_FAILED = 8,  ///< as.end; one try came to nothing
    PINHOLE_EVENT_ROOM = 9,            ///< pinhole_has_room said no, and now it is yes
    PINHOLE_EVENT_CALL_REFUSED = 10,   ///< as.identity, no number: somebody called in vain
    PINHOLE_EVENT_KEY_MISMATCH = 11,   ///< as.mismatch; nothing was sent to it
    PINHOLE_EVENT_MEMBERS = 12,        ///< as.members; all who are in a room, besides us
    PINHOLE_EVENT_ROOM_REFUSED = 13    ///< as.room_refused; it is tried again
} pinhole_event_type;

/// Why the server is not reachable, or not ours any more.
typedef enum pinhole_trouble {
    PINHOLE_TROUBLE_NO_ANSWER = 0,  ///< nothing came back; it is tried again
    PINHOLE_TROUBLE_KEY_CHANGED =
        1,                         ///< it shows another key than config.server_key; the node stops
    PINHOLE_TROUBLE_ID_TAKEN = 2,  ///< the id belongs to another key; the node stops
    PINHOLE_TROUBLE_REPLACED = 3,  ///< another process with our key registered; the node stops
    PINHOLE_TROUBLE_FLAPPING = 4,  ///< two processes with our key displace each other
    PINHOLE_TROUBLE_STORAGE = 5,   ///< the server could not store a new id; it is tried again
    PINHOLE_TROUBLE_LIMIT = 6,     ///< a budget of the server refused it; it is tried again
    PINHOLE_TROUBLE_SHUTDOWN = 7,  ///< the server stops; it is tried again
    PINHOLE_TROUBLE_NAME = 8       ///< its name does not resolve; it is tried again
} pinhole_trouble;

/// How our data gets to a peer.
typedef enum pinhole_path {
    PINHOLE_PATH_DIRECT = 0,         ///< both sides send directly
    PINHOLE_PATH_RELAY = 1,          ///< both sides send through the server, sealed
    PINHOLE_PATH_RELAY_ONE_WAY = 2,  ///< only one side sends directly
    PINHOLE_PATH_LOST = 3            ///< nothing was answered on any route for 10 s
} pinhole_path;

/// Why there is no connection, or no longer one.
typedef enum pinhole_reason {
    PINHOLE_REASON_DONE = 0,          ///< the other side left
    PINHOLE_REASON_LOCAL = 1,         ///< we left
    PINHOLE_REASON_RESTARTED = 2,     ///< its process started anew; PINHOLE_EVENT_CONNECTED follows
    PINHOLE_REASON_UNKNOWN_PEER = 3,  ///< unknown, offline, or it refused
    PINHOLE_REASON_UNREACHABLE = 4,   ///< registered, but it does not answer the server
    PINHOLE_REASON_KEY_MISMATCH = 5,  ///< its key is not the pinned one
    PINHOLE_REASON_GROUP_KEY = 6,     ///< the group keys differ
    PINHOLE_REASON_NO_ANSWER = 7,     ///< introduced, but no handshake came back
    PINHOLE_REASON_REFUSED = 8        ///< a budget of the server refused it
} pinhole_reason;

/// Why we are not in a room. It is tried again, and PINHOLE_EVENT_MEMBERS tells when we are.
typedef enum pinhole_room_trouble {
    PINHOLE_ROOM_FULL = 0,   ///< there are 16 in it
    PINHOLE_ROOM_LIMIT = 1,  ///< we are in too many rooms, or join too often, or the server is full
    PINHOLE_ROOM_NO_ANSWER = 2  ///< the server is an older one, which knows no rooms
} pinhole_room_trouble;

/// Somebody in a room.
typedef struct pinhole_member {
    const char* id;
    const char* key;  ///< "pk:..."
} pinhole_member;

/// What happened. `as` has what stands beside the type. Texts are never NULL, but may be empty.
typedef struct pinhole_event {
    pinhole_event_type type;
    pinhole_peer peer;  ///< whom it is about, or 0
    const char* id;     ///< its id
    union {
        struct {
            const char* server;      ///< the address that answers
            const char* observed;    ///< our own as the server sees it
            const char* server_key;  ///< "rv:..."; keep it for config.server_key
            int over_tcp;            ///< UDP does not get out of this network
        } registered;
        struct {
            pinhole_trouble trouble;
            const char* text;  ///< a sentence fragment about it, for people
        } server_lost;
        struct {
            const char* key;  ///< "pk:..."
            int incoming;     ///< the other side asked for us
        } identity;
        struct {
            const void* data;
            size_t size;
            uint8_t channel;
        } message;
        struct {
            pinhole_path state;
            const char* state_text;  ///< one word, for machines
            const char* reason;      ///< why, one word, for machines
            const char* text;        ///< why, a sentence, for people
            const char* remote;      ///< where our data goes, when that is a direct path
            uint32_t round_trip_us;  ///< smoothed; 0 before the first answer
        } path;
        struct {
            pinhole_reason reason;
            const char* text;  ///< a sentence fragment about it, for people
            int gone;          ///< the number is not valid any more
        } end;
        struct {
            const char* pinned;     ///< "pk:..."
            const char* announced;  ///< "pk:..."
        } mismatch;
        struct {
            const char* room;
            const pinhole_member* list;  ///< `count` of them
            size_t count;
        } members;
        struct {
            const char* room;
            pinhole_room_trouble trouble;
            const char* text;  ///< a sentence fragment about it, for people
        } room_refused;
    } as;
} pinhole_event;

/// The next thing that happened, or NULL. All of it is valid until the next call with this node of
/// pinhole_next_event or pinhole_close.
const pinhole_event* pinhole_next_event(pinhole_node* node);

#ifdef __cplusplus
}
#endif

#endif
