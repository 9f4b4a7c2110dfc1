// How much one core of a rendezvous carries, beside a bare UDP echo on the same core.
//
//   rendezvous_load [PEERS] [SECONDS]
//
// The server is the real one on its real driver and socket, in a process that stays on core 0; the
// load comes from a process on core 1. Handled keepalives are counted per second of the server's
// CPU time, so what else the machine does matters little. Ids are confirmed in memory: what a
// durable store costs is measured elsewhere.
#include <algorithm>
#include <chrono>

#include <asio/posix/stream_descriptor.hpp>

#include "tests/bench/load_peers.hpp"
#include "tests/bench/processes.hpp"
#include "tests/bench/station.hpp"

namespace {

using namespace pinhole;
using namespace pinhole::bench;

constexpr std::uint16_t kEchoPort = 34791;
constexpr const char* kProgram = "rendezvous_load";
/// A sealed keepalive's size: the echo moves the same number of bytes.
constexpr std::size_t kEchoSize = 33;
/// Unanswered requests at a time: far below what the server's socket holds.
constexpr std::uint64_t kWindow = 2048;
constexpr std::size_t kEnteringAtATime = 128;
constexpr std::size_t kIntroductions = 500;
/// One keepalive of three asks for an answer, as a real peer's do.
constexpr std::uint64_t kKeepalivesPerAck = 3;

/// The least that a server could do: batches in, the same batches out.
void echo() {
    stay_on_core(0);
    net::UdpSocket socket = net::UdpSocket::open({*IpAddress::parse("127.0.0.1"), kEchoPort});
    net::ReceiveArena arena;
    net::SendBatch batch;
    asio::io_context io;
    asio::posix::stream_descriptor readable{io, ::dup(socket.fd())};
    for (;;) {
        const auto received = socket.receive(arena);
        if (received.empty()) {
            readable.wait(asio::posix::stream_descriptor::wait_read);
            continue;
        }
        for (const net::Received& in : received) {
            socket.enqueue(batch, {.path = {kSocketV4, in.remote}, .bytes = in.bytes});
        }
        socket.flush(batch);
    }
}

/// What a span of time cost a process.
class Cost {
  public:
    explicit Cost(pid_t process) : process_(process), cpu_(cpu_seconds_of(process)) {}
    [[nodiscard]] double cpu() const { return std::max(cpu_seconds_of(process_) - cpu_, 1e-9); }
    [[nodiscard]] double wall() const { return seconds_since(begun_); }

  private:
    pid_t process_;
    double cpu_;
    Clock::time_point begun_ = Clock::now();
};

void report(const char* what, double count, const Cost& cost) {
    std::printf("%s per_cpu_second=%.0f per_second=%.0f cpu=%.3f\n", what, count / cost.cpu(),
                count / cost.wall(), cost.cpu() / cost.wall());
    std::fflush(stdout);
}

void measure_echo(double seconds) {
    const pid_t server = spawn(echo);
    ManySources sources{kEchoPort};
    std::uint64_t answered = 0;
    const auto take = [&](MutableBytes) { ++answered; };
    for (int i = 0; i < 50 && answered == 0; ++i) {
        std::ranges::fill(sources.room().first(kEchoSize), std::byte{1});
        sources.send(0, kEchoSize);
        sources.flush();
        sources.receive(20, take);
    }
    if (answered == 0) fail(kProgram, "the echo does not answer");
    const Cost cost{server};
    const std::uint64_t before = answered;
    const std::uint64_t lost = sources.sent() - answered;
    std::uint32_t source = 0;
    while (cost.wall() < seconds) {
        for (std::size_t i = 0; i < kLoadBatch && sources.sent() - lost - answered < kWindow; ++i) {
            std::ranges::fill(sources.room().first(kEchoSize), std::byte{1});
            sources.send(++source % 1000, kEchoSize);
        }
        sources.flush();
        sources.receive(sources.sent() - lost - answered < kWindow ? 0 : 1, take);
    }
    report("echo", static_cast<double>(answered - before), cost);
    end(server);
}

/// Keepalives of all peers in turn for `seconds`, at most `rate` a second (0: as many as go).
std::uint64_t keep_alive(LoadPeers& peers, std::size_t count, double seconds, double rate) {
    const auto begun = Clock::now();
    const std::uint64_t acknowledged = peers.acknowledged();
    std::uint64_t sent = 0;
    std::size_t next = 0;
    const auto answered = [&] { return kKeepalivesPerAck * (peers.acknowledged() - acknowledged); };
    while (seconds_since(begun) < seconds) {
        const auto allowed = rate > 0 ? static_cast<std::uint64_t>(rate * seconds_since(begun))
                                      : answered() + kWindow;
        for (std::size_t i = 0; i < kLoadBatch && sent < allowed; ++i) {
            peers.send_keepalive(next, ++sent % kKeepalivesPerAck == 0);
            next = next + 1 < count ? next + 1 : 0;
        }
        peers.flush();
        peers.receive(sent < allowed ? 0 : 1);
    }
    for (int i = 0; i < 20 && peers.receive(5) > 0; ++i) {
    }
    return answered();
}

/// Introductions beside a load of keepalives; the times of all of them.
void introduce(LoadPeers& peers, std::size_t count, double rate) {
    const std::size_t asked = std::min(kIntroductions, count / 2);
    for (std::size_t i = 0; i < asked; ++i) {
        peers.ask_for(i, count - 1 - i);
        keep_alive(peers, count, 0.004, rate);
    }
    keep_alive(peers, count, 0.5, rate);
    auto& times = peers.introduction_times();
    if (times.empty()) fail(kProgram, "no introduction was made");
    std::ranges::sort(times);
    const auto ms = [&](std::size_t percent) {
        return static_cast<double>(times[(times.size() - 1) * percent / 100].count()) / 1000;
    };
    std::printf("introductions made=%zu of=%zu p50_ms=%.3f p99_ms=%.3f\n", times.size(), asked,
                ms(50), ms(99));
}

void measure_server(std::size_t count, double seconds) {
    crypto::SystemRandom random;
    const crypto::KeyPair keys = crypto::KeyPair::generate(random);
    const pid_t server = spawn([&] {
        stay_on_core(0);
        serve({*IpAddress::parse("127.0.0.1"), kServerPort}, keys);
    });
    ManySources sources{kServerPort};
    LoadPeers peers{keys.public_key, sources, random};
    if (!peers.enter(1, 1)) fail(kProgram, "the server does not answer");
    const std::uint64_t memory = memory_of(server);
    {
        const Cost cost{server};
        if (!peers.enter(count, kEnteringAtATime)) fail(kProgram, "a peer was left unanswered");
        report("register", static_cast<double>(count), cost);
    }
    const double per_peer =
        static_cast<double>(memory_of(server) - memory) / static_cast<double>(count);
    std::printf("memory peers=%zu bytes_per_peer=%.0f mib=%.1f\n", count, per_peer,
                static_cast<double>(memory_of(server)) / (1024 * 1024));
    double rate = 0;
    {
        const Cost cost{server};
        const std::uint64_t handled = keep_alive(peers, count, seconds, 0);
        report("keepalive", static_cast<double>(handled), cost);
        rate = static_cast<double>(handled) / cost.wall();
    }
    {
        const std::size_t again = std::min<std::size_t>(count, 4000);
        const Cost cost{server};
        if (!peers.enter(again, kEnteringAtATime)) fail(kProgram, "a peer did not come back");
        report("reregister", static_cast<double>(again), cost);
    }
    introduce(peers, count, rate / 2);
    end(server);
}

}  // namespace

int main(int argc, char** argv) {
    const std::size_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10'000;
    const double seconds = argc > 2 ? std::strtod(argv[2], nullptr) : 2.0;
    if (count < 2 || count > kSourcesMax || seconds <= 0) {
        fail(kProgram, "usage: rendezvous_load [PEERS] [SECONDS]");
    }
    stay_on_core(1);
    measure_echo(seconds);
    measure_server(count, seconds);
    return 0;
}
