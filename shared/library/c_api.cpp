// pinhole.h over `LiveNode`: arguments are checked, exceptions become codes, one thread has all
// nodes.
#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "shared/library/live_node.hpp"
#include "shared/library/pinhole/pinhole.h"
#include "shared/net/clock.hpp"

struct pinhole_node {
    pinhole::library::LiveNode live;
    std::string key;
};

namespace pinhole::library {
namespace {

// A call that does not work, as a code and a sentence.
struct Refusal {
    pinhole_error code;
    std::string sentence;
};

[[noreturn]] void refuse(pinhole_error code, std::string sentence = {}) {
    throw Refusal{code, std::move(sentence)};
}

static_assert(PINHOLE_MESSAGE_MAX == reliable::EnetOptions{}.packet_bytes_max);
static_assert(PINHOLE_CHANNELS == reliable::EnetOptions{}.channels);
static_assert(PINHOLE_ID_MAX == wire::Id::kSizeMax && PINHOLE_KEY_SIZE == crypto::kKeySize);

// Who has the nodes of this process, and how many of them there are, which only the owner asks.
// ENet has one clock and one memory for all of them, without a lock.
std::atomic<std::thread::id> owner{};
std::size_t open_nodes = 0;

std::string& last_error() {
    thread_local std::string sentence;
    return sentence;
}

// Makes this thread the owner for the length of a call, and for as long as it has a node then.
class Claim {
  public:
    Claim() {
        std::thread::id had{};
        const auto self = std::this_thread::get_id();
        if (!owner.compare_exchange_strong(had, self) && had != self) {
            refuse(PINHOLE_ERROR_THREAD);
        }
    }
    ~Claim() {
        if (open_nodes == 0) owner = std::thread::id{};
    }
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;
};

int fail(pinhole_error code, std::string_view sentence) noexcept {
    try {
        last_error() = sentence.empty() ? std::string_view{pinhole_error_text(code)} : sentence;
    } catch (...) {
        last_error().clear();  // No memory for a sentence; the code still says that.
    }
    return code;
}

int fail_as_caught() noexcept {
    try {
        throw;
    } catch (const Refusal& refusal) {
        return fail(refusal.code, refusal.sentence);
    } catch (const net::IdentityInUse& error) {
        return fail(PINHOLE_ERROR_IN_USE, error.what());
    } catch (const net::KeyFileError& error) {
        return fail(PINHOLE_ERROR_KEY_FILE, error.what());
    } catch (const reliable::EnetUnusable& error) {
        return fail(PINHOLE_ERROR_ENET, error.what());
    } catch (const std::system_error& error) {
        return fail(PINHOLE_ERROR_SYSTEM, error.what());
    } catch (const std::bad_alloc&) {
        return fail(PINHOLE_ERROR_MEMORY, {});
    } catch (const std::exception& error) {
        return fail(PINHOLE_ERROR_INTERNAL, error.what());
    } catch (...) {
        return fail(PINHOLE_ERROR_INTERNAL, {});
    }
}

// Runs `call` with the node, and nothing leaves it but its number or an error.
template <class Node, class Call>
int guarded(Node* node, Call call) noexcept {
    try {
        if (node == nullptr) refuse(PINHOLE_ERROR_ARGUMENT, "the node is NULL");
        const Claim claim;
        return call(*node);
    } catch (...) {
        return fail_as_caught();
    }
}

wire::Id read_id(const char* text) {
    const auto id = text == nullptr ? std::nullopt : wire::Id::parse(text);
    if (!id) {
        refuse(PINHOLE_ERROR_ARGUMENT,
               fmt::format("'{}' is no id: 1 to {} of a-z, 0-9, '.', '_', '-'",
                           text == nullptr ? "" : text, wire::Id::kSizeMax));
    }
    return *id;
}

crypto::PublicKey read_key(const char* text, std::string_view prefix) {
    const auto key = text == nullptr ? std::nullopt : crypto::PublicKey::parse(text, prefix);
    if (!key) {
        refuse(PINHOLE_ERROR_ARGUMENT, fmt::format("'{}' is no key of the form {}:...",
                                                   text == nullptr ? "" : text, prefix));
    }
    return *key;
}

void refuse_other_flags(std::uint32_t flags, std::uint32_t known) {
    if ((flags & ~known) != 0) refuse(PINHOLE_ERROR_ARGUMENT, "a flag is not known");
}

node::AcceptPolicy policy_of(pinhole_accept accept) {
    switch (accept) {
        case PINHOLE_ACCEPT_ALL: return node::AcceptPolicy::kAll;
        case PINHOLE_ACCEPT_KNOWN: return node::AcceptPolicy::kKnown;
        case PINHOLE_ACCEPT_NONE: return node::AcceptPolicy::kNone;
    }
    refuse(PINHOLE_ERROR_ARGUMENT, "config.accept has no such value");
}

pinhole_error code_of(reliable::SendError error) {
    switch (error) {
        case reliable::SendError::kNotConnected: return PINHOLE_ERROR_NOT_CONNECTED;
        case reliable::SendError::kTooLarge: return PINHOLE_ERROR_TOO_LARGE;
        case reliable::SendError::kQueueFull: return PINHOLE_ERROR_QUEUE_FULL;
        case reliable::SendError::kNoSuchChannel: return PINHOLE_ERROR_CHANNEL;
    }
    return PINHOLE_ERROR_INTERNAL;
}

// The caller's structure may be a later version's, and longer. The first one is the shortest.
const pinhole_config& read_config(const pinhole_config* given) {
    if (given == nullptr) refuse(PINHOLE_ERROR_ARGUMENT, "the config is NULL");
    if (given->size < sizeof(pinhole_config)) {
        refuse(PINHOLE_ERROR_ARGUMENT, "config.size is not set: begin with PINHOLE_CONFIG_INIT");
    }
    return *given;
}

std::string read_server(const char* text) {
    if (text == nullptr) refuse(PINHOLE_ERROR_ARGUMENT, "config.server is NULL");
    if (const auto parsed = net::HostPort::parse(text, kServerPort); !parsed) {
        refuse(PINHOLE_ERROR_ARGUMENT, parsed.error().sentence);
    }
    return text;
}

crypto::KeyPair make_keys(const std::uint8_t* secret, Random& random) {
    if (secret == nullptr) return crypto::KeyPair::generate(random);
    return crypto::KeyPair::from_secret(
        crypto::SecretKey{std::as_bytes(std::span{secret, std::size_t{PINHOLE_KEY_SIZE}})});
}

std::unique_ptr<pinhole_node> open_node(const pinhole_config& config) {
    crypto::SystemRandom random;
    std::string server = read_server(config.server);
    node::NodeConfig out{.id = read_id(config.id), .keys = {}};
    refuse_other_flags(config.flags, PINHOLE_MAP_PORTS | PINHOLE_NO_GUESSING);
    out.accept = policy_of(config.accept);
    out.maps_ports = (config.flags & PINHOLE_MAP_PORTS) != 0;
    out.sprays = (config.flags & PINHOLE_NO_GUESSING) == 0;
    if (config.server_key != nullptr) {
        out.server_key = read_key(config.server_key, crypto::kServerKeyPrefix);
    }
    if (config.key_file != nullptr && config.key != nullptr) {
        refuse(PINHOLE_ERROR_ARGUMENT, "config.key_file and config.key exclude each other");
    }
    if (config.psk_file != nullptr) out.psk = net::load_group_key(config.psk_file);
    std::optional<net::IdentityFile> identity;
    if (config.key_file != nullptr) {
        identity = net::IdentityFile::load_or_create(config.key_file, random);
        out.keys = identity->keys().clone();
    } else {
        out.keys = make_keys(config.key, random);
    }
    std::string key = out.keys.public_key.to_string();
    return std::unique_ptr<pinhole_node>{
        new pinhole_node{{std::move(out), std::move(identity), std::move(server)}, std::move(key)}};
}

}  // namespace
}  // namespace pinhole::library

using pinhole::node::PeerNumber;
namespace library = pinhole::library;

extern "C" {

const char* pinhole_version(void) {
    return PINHOLE_VERSION;
}

const char* pinhole_error_text(int error) {
    switch (error) {
        case PINHOLE_OK: return "no error";
        case PINHOLE_ERROR_ARGUMENT: return "an argument makes no sense";
        case PINHOLE_ERROR_THREAD: return "another thread has the nodes of this process";
        case PINHOLE_ERROR_MEMORY: return "there is no memory";
        case PINHOLE_ERROR_SYSTEM: return "the system refused";
        case PINHOLE_ERROR_KEY_FILE: return "a key file cannot be used";
        case PINHOLE_ERROR_IN_USE: return "another process or node has this identity";
        case PINHOLE_ERROR_ENET: return "the process has another ENet than pinhole's";
        case PINHOLE_ERROR_TOO_MANY: return "there are as many peers as a node can have";
        case PINHOLE_ERROR_NOT_CONNECTED: return "there is no connection to this peer";
        case PINHOLE_ERROR_TOO_LARGE: return "the message is too long";
        case PINHOLE_ERROR_QUEUE_FULL: return "too much is unacknowledged";
        case PINHOLE_ERROR_CHANNEL: return "there is no such channel";
        case PINHOLE_ERROR_INTERNAL: return "a fault of pinhole";
        default: return "no error code of pinhole";
    }
}

const char* pinhole_last_error(void) {
    return library::last_error().c_str();
}

int pinhole_open(const pinhole_config* config, pinhole_node** node) {
    if (node != nullptr) *node = nullptr;
    return library::guarded(node, [&](pinhole_node*& opened) {
        opened = library::open_node(library::read_config(config)).release();
        ++library::open_nodes;
        return PINHOLE_OK;
    });
}

void pinhole_close(pinhole_node* node) {
    if (node == nullptr) return;
    library::guarded(node, [](pinhole_node& closed) {
        const std::unique_ptr<pinhole_node> owned{&closed};
        --library::open_nodes;
        return PINHOLE_OK;
    });
}

const char* pinhole_key(const pinhole_node* node) {
    return node == nullptr ? "" : node->key.c_str();
}

int pinhole_trust(pinhole_node* node, const char* id, const char* key) {
    return library::guarded(node, [&](pinhole_node& ours) {
        ours.live.node().trust(library::read_id(id),
                               library::read_key(key, pinhole::crypto::kPeerKeyPrefix));
        return PINHOLE_OK;
    });
}

int pinhole_connect(pinhole_node* node, const char* id, uint32_t flags, pinhole_peer* peer) {
    if (peer != nullptr) *peer = 0;
    return library::guarded(node, [&](pinhole_node& ours) {
        library::refuse_other_flags(flags, PINHOLE_KEEP_TRYING);
        const PeerNumber number = ours.live.node().connect(
            pinhole::net::now(), library::read_id(id), (flags & PINHOLE_KEEP_TRYING) != 0);
        if (number == PeerNumber{}) library::refuse(PINHOLE_ERROR_TOO_MANY);
        if (peer != nullptr) *peer = number.value();
        return PINHOLE_OK;
    });
}

int pinhole_disconnect(pinhole_node* node, pinhole_peer peer) {
    return library::guarded(node, [&](pinhole_node& ours) {
        if (!ours.live.node().status(PeerNumber{peer}))
            library::refuse(PINHOLE_ERROR_NOT_CONNECTED);
        ours.live.node().disconnect(pinhole::net::now(), PeerNumber{peer});
        return PINHOLE_OK;
    });
}

int pinhole_join(pinhole_node* node, const char* room) {
    return library::guarded(node, [&](pinhole_node& ours) {
        ours.live.node().join(pinhole::net::now(), library::read_id(room));
        return PINHOLE_OK;
    });
}

int pinhole_leave(pinhole_node* node, const char* room) {
    return library::guarded(node, [&](pinhole_node& ours) {
        ours.live.node().leave(pinhole::net::now(), library::read_id(room));
        return PINHOLE_OK;
    });
}

int pinhole_send(pinhole_node* node, pinhole_peer peer, uint8_t channel, const void* data,
                 size_t size, uint32_t flags) {
    return library::guarded(node, [&](pinhole_node& ours) -> int {
        library::refuse_other_flags(flags, PINHOLE_UNRELIABLE);
        if (data == nullptr && size > 0) library::refuse(PINHOLE_ERROR_ARGUMENT, "data is NULL");
        const bool unreliable = (flags & PINHOLE_UNRELIABLE) != 0;
        const auto sent = ours.live.node().send(
            pinhole::net::now(), PeerNumber{peer},
            {.channel = channel,
             .bytes = {static_cast<const std::byte*>(data), size},
             .delivery = unreliable ? pinhole::reliable::Delivery::kUnreliable
                                    : pinhole::reliable::Delivery::kReliable});
        // Not thrown: a full queue is everyday.
        return sent ? PINHOLE_OK : library::fail(library::code_of(sent.error()), {});
    });
}

int pinhole_has_room(pinhole_node* node, pinhole_peer peer) {
    return library::guarded(node, [&](pinhole_node& ours) {
        return ours.live.node().has_room(PeerNumber{peer}) ? 1 : 0;
    });
}

size_t pinhole_unacknowledged(pinhole_node* node, pinhole_peer peer) {
    size_t bytes = 0;
    library::guarded(node, [&](pinhole_node& ours) {
        bytes = ours.live.node().bytes_unacknowledged(PeerNumber{peer});
        return PINHOLE_OK;
    });
    return bytes;
}

int pinhole_poll(pinhole_node* node, int timeout_ms) {
    return library::guarded(node, [&](pinhole_node& ours) {
        std::optional<pinhole::Duration> patience;
        if (timeout_ms >= 0) patience = std::chrono::milliseconds{timeout_ms};
        return ours.live.poll(patience) ? 1 : 0;
    });
}

const pinhole_event* pinhole_next_event(pinhole_node* node) {
    const pinhole_event* event = nullptr;
    library::guarded(node, [&](pinhole_node& ours) {
        event = ours.live.next_event();
        return PINHOLE_OK;
    });
    return event;
}

}  // extern "C"
