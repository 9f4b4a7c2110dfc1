// Proof that ENet runs on our functions: the kernel is told to kill whoever touches a socket.
#include "shared/reliable/enet_platform.hpp"

#include <csignal>
#include <vector>

#include <enet/enet.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/reliable/wire.hpp"

namespace pinhole::reliable {
namespace {

// The system calls of ENet's own unix.c, and those that could stand in for them. `gettimeofday` is
// answered without the kernel as a rule, so it proves little; the determinism test proves time.
std::vector<unsigned> forbidden_calls() {
    std::vector<unsigned> calls{__NR_socket,      __NR_bind,     __NR_connect,  __NR_sendto,
                                __NR_recvfrom,    __NR_sendmsg,  __NR_recvmsg,  __NR_sendmmsg,
                                __NR_recvmmsg,    __NR_ppoll,    __NR_pselect6, __NR_setsockopt,
                                __NR_getsockname, __NR_nanosleep};
#ifdef __NR_poll
    calls.push_back(__NR_poll);
#endif
#ifdef __NR_select
    calls.push_back(__NR_select);
#endif
    return calls;
}

// From now on the kernel kills this process on a forbidden call. False when it cannot be told so.
bool forbid_sockets() {
    std::vector<sock_filter> program;
    program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
    for (const unsigned call : forbidden_calls()) {
        program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1));
        program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
    }
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    const sock_fprog filter{.len = static_cast<unsigned short>(program.size()),
                            .filter = program.data()};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

constexpr int kCannotForbid = 77;

// Runs `body` in a child that may touch no socket; the child's wait status.
template <class Body>
int status_without_sockets(Body body) {
    const pid_t child = fork();
    if (child == 0) {
        if (!forbid_sockets()) _exit(kCannotForbid);
        _exit(body() ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return status;
}

bool is_skipped(int status) {
    return WIFEXITED(status) && WEXITSTATUS(status) == kCannotForbid;
}

TEST(EnetPlatform, TouchesNoSocketThroughAWholeConversation) {
    const int status = status_without_sockets([] {
        test::Wire wire{1, {.loss_percent = 10}};
        if (!wire.establish()) return false;
        const ByteVector message = test::numbered_message(1, 100'000);
        if (!wire.a().host.send(wire.now(), wire.a().other, 0, message, Delivery::kReliable)) {
            return false;
        }
        wire.drain();
        if (!wire.run_until([&] { return !wire.b().received.empty(); }, 60s)) return false;
        wire.a().host.disconnect(wire.now(), wire.a().other);
        wire.drain();
        return wire.run_until([&] { return !wire.a().closed.empty(); }, 60s);
    });
    if (is_skipped(status)) GTEST_SKIP() << "this kernel lets nobody install a seccomp filter";
    EXPECT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status);
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(EnetPlatform, WouldBeCaughtTouchingASocket) {
    const int status = status_without_sockets([] { return socket(AF_INET, SOCK_DGRAM, 0) >= 0; });
    if (is_skipped(status)) GTEST_SKIP() << "this kernel lets nobody install a seccomp filter";
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGSYS);
}

TEST(EnetPlatform, GivesEachHostASlotAndNoOther) {
    ENetHost* first = enet_host_create(nullptr, 1, 1, 0, 0);
    ENetHost* second = enet_host_create(nullptr, 1, 1, 0, 0);
    ASSERT_NE(first, nullptr);
    ASSERT_NE(second, nullptr);
    EXPECT_NE(first->socket, second->socket);
    EXPECT_TRUE(is_ours(first->socket));
    EXPECT_TRUE(is_ours(second->socket));
    const int number = first->socket;
    enet_host_destroy(first);
    EXPECT_FALSE(is_ours(number));
    EXPECT_TRUE(is_ours(second->socket));
    enet_host_destroy(second);
}

TEST(EnetPlatform, OwnsNoNumberThatCouldBeAFileDescriptor) {
    for (const int number :
         {-1, 0, 1, 3, 1023, kFirstSlotNumber - 1, kFirstSlotNumber + kSlotsMax}) {
        EXPECT_FALSE(is_ours(number)) << number;
    }
}

TEST(EnetPlatform, IsTheClockThatEnetReads) {
    ENetHost* host = enet_host_create(nullptr, 1, 1, 0, 0);
    set_enet_time(4711);
    ENetEvent event{};
    EXPECT_EQ(enet_host_service(host, &event, 0), 0);
    EXPECT_EQ(host->serviceTime, 4711U);
    enet_host_destroy(host);
}

// A negative result would end the service of every peer of the host.
TEST(EnetPlatform, NeverReportsAFailureOfOneDatagram) {
    ENetHost* host = enet_host_create(nullptr, 1, 1, 0, 0);
    const ENetAddress address{.host = 9, .port = 1};
    char text[] = "text";
    const ENetBuffer buffer{.data = text, .dataLength = 4};
    for (std::size_t i = 0; i < kOutboxDatagramsMax + 100; ++i) {
        ASSERT_EQ(enet_socket_send(host->socket, &address, &buffer, 1), 4);
    }
    std::size_t kept = 0;
    while (slot_of(host->socket).take_outgoing() != nullptr) ++kept;
    EXPECT_EQ(kept, kOutboxDatagramsMax);

    slot_of(host->socket).offer(VirtualAddress{9}, as_bytes("longer than the buffer"));
    ENetBuffer small{.data = text, .dataLength = 4};
    ENetAddress from{};
    EXPECT_EQ(enet_socket_receive(host->socket, &from, &small, 1), 0);
    EXPECT_EQ(enet_socket_receive(host->socket, &from, &small, 1), 0);
    slot_of(host->socket).offer(VirtualAddress{9}, as_bytes("four"));
    EXPECT_EQ(enet_socket_receive(host->socket, &from, &small, 1), 4);
    EXPECT_EQ(from.host, 9U);
    enet_host_destroy(host);
    EXPECT_EQ(enet_socket_send(-1, &address, &buffer, 1), 4);
    EXPECT_EQ(enet_socket_receive(-1, &from, &small, 1), 0);
}

// ENet copies a whole ENetProtocol from where a command begins, however short the command is.
TEST(EnetPlatform, AShortCommandAtTheEndHasRoomBehindIt) {
    ENetHost* host = enet_host_create(nullptr, 1, 1, 0, 0);
    EnetSlot& slot = slot_of(host->socket);
    for (std::size_t size = 1; size < 200; ++size) {
        slot.offer(VirtualAddress{9}, ByteVector(size, std::byte{1}));
        const SlotDatagram* datagram = slot.take_offered(4096);
        ASSERT_NE(datagram, nullptr);
        const auto end =
            static_cast<std::size_t>(datagram->bytes.data() + size - datagram->storage.data());
        EXPECT_GE(datagram->storage.size() - end, sizeof(ENetProtocol)) << size;
    }
    enet_host_destroy(host);
}

}  // namespace
}  // namespace pinhole::reliable
