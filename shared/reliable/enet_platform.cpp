#include "shared/reliable/enet_platform.hpp"

#include <memory>
#include <span>
#include <vector>

// Default visibility from here on, ENet's own declarations included: a hidden definition would not
// replace the library's.
#pragma GCC visibility push(default)
#include <enet/enet.h>

#include "shared/reliable/enet_memory.hpp"

namespace pinhole::reliable {
namespace {

// The one mutable global of the project, forced by ENet's C interface: it hands its functions a
// socket number and no context, and asks for the time and for sockets without even that. One
// thread uses ENet (as ENet demands anyway), so there is no lock.
struct Platform {
    EnetMemory memory;
    std::vector<std::unique_ptr<EnetSlot>> slots;
    std::uint32_t now = 1;
};

Platform& platform() {
    static Platform instance;
    return instance;
}

EnetSlot* find_slot(int socket) {
    if (socket < kFirstSlotNumber) return nullptr;
    const auto index = static_cast<std::size_t>(socket - kFirstSlotNumber);
    auto& slots = platform().slots;
    return index < slots.size() ? slots[index].get() : nullptr;
}

int create_slot() {
    auto& slots = platform().slots;
    std::size_t index = 0;
    while (index < slots.size() && slots[index]) ++index;
    if (index == static_cast<std::size_t>(kSlotsMax)) return ENET_SOCKET_NULL;
    if (index == slots.size()) slots.emplace_back();
    slots[index] = std::make_unique<EnetSlot>();
    return kFirstSlotNumber + static_cast<int>(index);
}

std::size_t total_size(std::span<const ENetBuffer> buffers) {
    std::size_t size = 0;
    for (const ENetBuffer& buffer : buffers) size += buffer.dataLength;
    return size;
}

void gather(std::span<const ENetBuffer> buffers, MutableBytes out) {
    for (const ENetBuffer& buffer : buffers) {
        if (buffer.dataLength == 0) continue;
        std::memcpy(out.data(), buffer.data, buffer.dataLength);
        out = out.subspan(buffer.dataLength);
    }
}

// Of a command at a datagram's end ENet copies as much as the longest command has.
constexpr std::size_t kTailroom = sizeof(ENetProtocol);

MutableBytes make_room(SlotDatagram& datagram, VirtualAddress peer, std::size_t size) {
    datagram.peer = peer;
    const std::size_t needed = kEnetHeadroom + size + kTailroom;
    if (datagram.storage.size() < needed) datagram.storage.resize(needed);
    datagram.bytes = MutableBytes{datagram.storage}.subspan(kEnetHeadroom, size);
    return datagram.bytes;
}

}  // namespace

void EnetSlot::offer(VirtualAddress from, Bytes datagram) {
    const MutableBytes room = make_room(inbox_.push(), from, datagram.size());
    if (!datagram.empty()) std::memcpy(room.data(), datagram.data(), datagram.size());
}

std::optional<MutableBytes> EnetSlot::claim_outgoing(VirtualAddress to, std::size_t size) {
    if (outbox_.size() >= kOutboxDatagramsMax) return std::nullopt;
    ++new_;
    return make_room(outbox_.push(), to, size);
}

bool is_ours(int socket) {
    return find_slot(socket) != nullptr;
}

EnetSlot& slot_of(int socket) {
    EnetSlot* slot = find_slot(socket);
    assert(slot != nullptr);
    return *slot;
}

void use_own_memory() {
    static constexpr ENetCallbacks kOurs{
        .malloc = [](std::size_t size) { return platform().memory.take(size); },
        .free = [](void* memory) { platform().memory.give_back(memory); },
        .no_memory = nullptr};
    static_cast<void>(enet_initialize_with_callbacks(ENET_VERSION, &kOurs));
}

std::uint64_t enet_allocations() {
    return platform().memory.allocations();
}

std::size_t enet_bytes_in_use() {
    return platform().memory.in_use();
}

void set_enet_time(std::uint32_t milliseconds) {
    platform().now = milliseconds;
}

}  // namespace pinhole::reliable

// Everything that ENet's unix.c defines. A partial replacement would mix both and crash.
extern "C" {

using pinhole::Bytes;
using pinhole::VirtualAddress;
using pinhole::reliable::EnetSlot;

int enet_initialize(void) {
    return 0;
}

void enet_deinitialize(void) {}

enet_uint32 enet_time_get(void) {
    return pinhole::reliable::platform().now;
}

void enet_time_set(enet_uint32 milliseconds) {
    pinhole::reliable::platform().now = milliseconds;
}

// `EnetHost` overwrites the seed that comes of this: ENet adds the host's heap address to it.
enet_uint32 enet_host_random_seed(void) {
    return 0;
}

// A virtual address has neither a name nor a printed form.
int enet_address_set_host_ip(ENetAddress* /*address*/, const char* /*name*/) {
    return -1;
}

int enet_address_set_host(ENetAddress* /*address*/, const char* /*name*/) {
    return -1;
}

int enet_address_get_host_ip(const ENetAddress* /*address*/, char* /*name*/, size_t /*size*/) {
    return -1;
}

int enet_address_get_host(const ENetAddress* /*address*/, char* /*name*/, size_t /*size*/) {
    return -1;
}

ENetSocket enet_socket_create(ENetSocketType type) {
    if (type != ENET_SOCKET_TYPE_DATAGRAM) return ENET_SOCKET_NULL;
    return pinhole::reliable::create_slot();
}

void enet_socket_destroy(ENetSocket socket) {
    if (!pinhole::reliable::is_ours(socket)) return;
    const auto index = static_cast<std::size_t>(socket - pinhole::reliable::kFirstSlotNumber);
    pinhole::reliable::platform().slots[index].reset();
}

int enet_socket_bind(ENetSocket /*socket*/, const ENetAddress* /*address*/) {
    return 0;
}

int enet_socket_get_address(ENetSocket /*socket*/, ENetAddress* address) {
    address->host = ENET_HOST_ANY;
    address->port = ENET_PORT_ANY;
    return 0;
}

int enet_socket_listen(ENetSocket /*socket*/, int /*backlog*/) {
    return -1;
}

ENetSocket enet_socket_accept(ENetSocket /*socket*/, ENetAddress* /*address*/) {
    return ENET_SOCKET_NULL;
}

int enet_socket_connect(ENetSocket /*socket*/, const ENetAddress* /*address*/) {
    return -1;
}

int enet_socket_set_option(ENetSocket /*socket*/, ENetSocketOption /*option*/, int /*value*/) {
    return 0;
}

int enet_socket_get_option(ENetSocket /*socket*/, ENetSocketOption /*option*/, int* value) {
    *value = 0;
    return 0;
}

int enet_socket_shutdown(ENetSocket /*socket*/, ENetSocketShutdown /*how*/) {
    return 0;
}

// Always a success: a negative result would fail the service of every peer of the host. A datagram
// that found no room is lost, and ENet sends it again.
int enet_socket_send(ENetSocket socket, const ENetAddress* address, const ENetBuffer* buffers,
                     size_t buffer_count) {
    const std::span parts{buffers, buffer_count};
    const std::size_t size = pinhole::reliable::total_size(parts);
    if (EnetSlot* slot = pinhole::reliable::find_slot(socket)) {
        if (const auto room = slot->claim_outgoing(VirtualAddress{address->host}, size)) {
            pinhole::reliable::gather(parts, *room);
        }
    }
    return static_cast<int>(size);
}

// Zero says that nothing is there. An error, and it is the one that we mean to make, ends a service
// call that received something, before ENet answers it. A datagram that would not fit into ENet's
// buffer is dropped whole; one that would stays where it is, and the engine shows ENet that place.
int enet_socket_receive(ENetSocket socket, ENetAddress* address, ENetBuffer* buffers,
                        size_t buffer_count) {
    EnetSlot* slot = pinhole::reliable::find_slot(socket);
    if (slot == nullptr) return 0;
    const bool has_received = slot->received() != nullptr;
    const std::span<const ENetBuffer> parts{buffers, buffer_count};
    const auto* datagram = slot->take_offered(pinhole::reliable::total_size(parts));
    if (datagram == nullptr) return has_received ? -1 : 0;
    if (address != nullptr) {
        address->host = datagram->peer.value();
        address->port = 1;
    }
    return static_cast<int>(datagram->bytes.size());
}

int enet_socketset_select(ENetSocket /*highest*/, ENetSocketSet* /*reading*/,
                          ENetSocketSet* /*writing*/, enet_uint32 /*timeout*/) {
    return 0;
}

int enet_socket_wait(ENetSocket /*socket*/, enet_uint32* condition, enet_uint32 /*timeout*/) {
    *condition = ENET_SOCKET_WAIT_NONE;
    return 0;
}

}  // extern "C"

#pragma GCC visibility pop
