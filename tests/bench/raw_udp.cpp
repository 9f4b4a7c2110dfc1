// What the kernel alone can do: plain datagrams in batches (sendmmsg, recvmmsg), no reliability, no
// encryption, over loopback, in two processes. The floor under every UDP protocol without GSO.
#include <array>
#include <cerrno>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/bench/load.hpp"
#include "tests/bench/processes.hpp"

namespace {

using namespace pinhole::bench;

constexpr const char* kProgram = "raw_udp";
constexpr std::size_t kPayload = 1200;
constexpr std::size_t kBatch = 64;
constexpr int kBuffer = 4 * 1024 * 1024;

/// Messages that share one buffer each way; their content is nobody's business.
struct Batch {
    explicit Batch(std::size_t size) {
        for (std::size_t i = 0; i < kBatch; ++i) {
            pieces[i] = {bytes[i].data(), size};
            headers[i] = {};
            headers[i].msg_hdr.msg_iov = &pieces[i];
            headers[i].msg_hdr.msg_iovlen = 1;
        }
    }
    std::array<std::array<std::byte, 2048>, kBatch> bytes{};
    std::array<iovec, kBatch> pieces{};
    std::array<mmsghdr, kBatch> headers{};
};

int open_socket() {
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    for (const int option : {SO_RCVBUFFORCE, SO_SNDBUFFORCE, SO_RCVBUF, SO_SNDBUF}) {
        static_cast<void>(setsockopt(fd, SOL_SOCKET, option, &kBuffer, sizeof kBuffer));
    }
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0) {
        fail(kProgram, "no socket");
    }
    return fd;
}

void send(int to, const Load& load) {
    const int fd = open_socket();
    sockaddr_in address{};
    socklen_t size = sizeof address;
    getsockname(to, reinterpret_cast<sockaddr*>(&address), &size);
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), size) != 0) {
        fail(kProgram, "no way to the receiver");
    }
    Batch batch{kPayload};
    const double cpu = cpu_seconds();
    std::uint64_t sent = 0;
    const auto begun = Clock::now();
    while (seconds_since(begun) < load.warmup + load.seconds + kOverlap) {
        const int done = sendmmsg(fd, batch.headers.data(), kBatch, 0);
        if (done > 0) sent += static_cast<std::uint64_t>(done);
    }
    const double mib = static_cast<double>(sent * kPayload) / kMib;
    std::printf("send cpu_per_gib=%.3f mib=%.1f memory_mib=%.1f\n",
                (cpu_seconds() - cpu) * 1024.0 / mib, mib, peak_memory_mib());
    std::fflush(stdout);
}

void receive(int fd, const Load& load) {
    Batch batch{2048};
    Meter meter{load};
    while (!meter.is_over()) {
        const int count = recvmmsg(fd, batch.headers.data(), kBatch, MSG_WAITFORONE, nullptr);
        for (int i = 0; i < count; ++i) {
            meter.on_message(kBulkChannel, batch.headers[static_cast<std::size_t>(i)].msg_len);
        }
    }
    meter.report();
}

}  // namespace

int main(int argc, char** argv) {
    cxxopts::Options options{kProgram};
    add_load_options(options);
    const Load load = load_of(options.parse(argc, argv));
    const int fd = open_socket();
    const pid_t sender = spawn([&] { send(fd, load); });
    receive(fd, load);
    return exit_status_of(sender);
}
