// How long ICE takes from nothing to a first message, with libnice: the yardstick of
// first_message.cpp on the same links.
//
//   ice_message --answer --stun ADDRESS:PORT --signalling ADDRESS:PORT [--trickle]
//   ice_message --call   --stun ADDRESS:PORT --signalling ADDRESS:PORT [--trickle]
//
// Both connect to a relay of lines (first_message.py has one, where our rendezvous is) before
// anything is measured. Then
//   without --trickle  both have gathered their candidates before the call, as a registered node
//                      has; the call is an offer, an answer, the checks, and the message.
//   with --trickle     the call is where both begin to gather, and candidates follow one by one
//                      (RFC 8838): what a program does that starts with a call.
// The message is a bare datagram, repeated every 100 ms until it is answered: to seal it is left to
// others (DTLS takes two more round trips). One machine has one clock, so the message carries the
// moment of the call.
#include <cstdint>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <cxxopts.hpp>
#include <gio/gio.h>
#include <nice/agent.h>

#include "tests/bench/load.hpp"

namespace {

using pinhole::bench::cpu_seconds;
using pinhole::bench::peak_memory_mib;

constexpr guint kComponent = 1;
constexpr const char* kStreamName = "text";
/// From the relay's point of view a line that is only this ends a description.
constexpr std::string_view kEnd = ".";
/// A datagram of an application that wants an answer, on a way whose round trip is 50 ms.
constexpr guint kRepeatMs = 100;

struct Options {
    bool calls = false;
    bool trickles = false;
    std::string stun;
    std::string signalling;
};

[[noreturn]] void fail(const std::string& why) {
    std::fprintf(stderr, "ice_message: %s\n", why.c_str());
    std::exit(1);
}

std::int64_t now() {
    timespec at{};
    clock_gettime(CLOCK_MONOTONIC, &at);
    return std::int64_t{at.tv_sec} * 1'000'000'000 + at.tv_nsec;
}

double milliseconds_since(std::int64_t moment) {
    return static_cast<double>(now() - moment) / 1e6;
}

std::pair<std::string, guint16> split(const std::string& endpoint) {
    const auto colon = endpoint.rfind(':');
    if (colon == std::string::npos) fail("ADDRESS:PORT is wanted, not " + endpoint);
    return {endpoint.substr(0, colon), static_cast<guint16>(std::stoi(endpoint.substr(colon + 1)))};
}

/// One side: an agent with one component, and the lines to and from the other side.
class Side {
  public:
    explicit Side(const Options& options) : options_(options) {
        loop_ = g_main_loop_new(nullptr, FALSE);
        connect_signalling();
        make_agent();
    }

    void run() {
        if (options_.trickles) {
            if (options_.calls) begin_call();
        } else {
            gather();
        }
        if (!options_.calls && options_.trickles) announce("ready");
        g_main_loop_run(loop_);
    }

  private:
    void connect_signalling() {
        const auto [host, port] = split(options_.signalling);
        GSocketClient* client = g_socket_client_new();
        GError* error = nullptr;
        GSocketConnection* connection =
            g_socket_client_connect_to_host(client, host.c_str(), port, nullptr, &error);
        if (connection == nullptr) fail(error->message);
        g_tcp_connection_set_graceful_disconnect(G_TCP_CONNECTION(connection), FALSE);
        g_socket_set_option(g_socket_connection_get_socket(connection), 6 /* IPPROTO_TCP */,
                            1 /* TCP_NODELAY */, 1, nullptr);
        output_ = g_io_stream_get_output_stream(G_IO_STREAM(connection));
        input_ = g_data_input_stream_new(g_io_stream_get_input_stream(G_IO_STREAM(connection)));
        read_line();
    }

    void make_agent() {
        const auto flags =
            options_.trickles ? NICE_AGENT_OPTION_ICE_TRICKLE : static_cast<NiceAgentOption>(0);
        agent_ =
            nice_agent_new_full(g_main_loop_get_context(loop_), NICE_COMPATIBILITY_RFC5245, flags);
        const auto [host, port] = split(options_.stun);
        g_object_set(agent_, "stun-server", host.c_str(), "stun-server-port", guint{port},
                     "controlling-mode", gboolean{options_.calls}, "upnp", FALSE, "ice-tcp", FALSE,
                     nullptr);
        stream_ = nice_agent_add_stream(agent_, 1);
        if (stream_ == 0) fail("libnice makes no stream");
        nice_agent_set_stream_name(agent_, stream_, kStreamName);
        nice_agent_attach_recv(agent_, stream_, kComponent, g_main_loop_get_context(loop_),
                               &Side::on_message, this);
        g_signal_connect(agent_, "candidate-gathering-done", G_CALLBACK(&Side::on_gathered), this);
        g_signal_connect(agent_, "component-state-changed", G_CALLBACK(&Side::on_state), this);
        g_signal_connect(agent_, "new-candidate-full", G_CALLBACK(&Side::on_candidate), this);
    }

    void gather() {
        if (!nice_agent_gather_candidates(agent_, stream_)) fail("libnice does not gather");
    }

    void begin_call() {
        called_ = now();
        if (!options_.trickles) return send_description();
        send_credentials();
        gather();
    }

    // ---- signalling

    void send(std::string text) {
        text += '\n';
        gsize written = 0;
        if (!g_output_stream_write_all(output_, text.data(), text.size(), &written, nullptr,
                                       nullptr)) {
            fail("the signalling relay is gone");
        }
    }

    void send_description() {
        gchar* description = nice_agent_generate_local_sdp(agent_);
        send(std::string{description} + std::string{kEnd});
        g_free(description);
    }

    void send_credentials() {
        gchar* name = nullptr;
        gchar* password = nullptr;
        nice_agent_get_local_credentials(agent_, stream_, &name, &password);
        send(std::string{"credentials "} + name + ' ' + password);
        g_free(name);
        g_free(password);
    }

    void read_line() {
        g_data_input_stream_read_line_async(input_, G_PRIORITY_DEFAULT, nullptr, &Side::on_line,
                                            this);
    }

    static void on_line(GObject* /*source*/, GAsyncResult* result, gpointer self) {
        auto& side = *static_cast<Side*>(self);
        gchar* line = g_data_input_stream_read_line_finish(side.input_, result, nullptr, nullptr);
        if (line == nullptr) return g_main_loop_quit(side.loop_);
        side.take(line);
        g_free(line);
        side.read_line();
    }

    void take(const std::string& line) {
        if (options_.trickles) return take_trickled(line);
        if (line != kEnd) {
            description_ += line + '\n';
            return;
        }
        // Parsing starts the checks; the answer need not wait for them.
        if (!options_.calls) send_description();
        if (nice_agent_parse_remote_sdp(agent_, description_.c_str()) < 0) fail("bad description");
        description_.clear();
    }

    void take_trickled(const std::string& line) {
        const std::string word = line.substr(0, line.find(' '));
        if (word == "credentials") {
            const auto space = line.rfind(' ');
            const std::string name = line.substr(word.size() + 1, space - word.size() - 1);
            nice_agent_set_remote_credentials(agent_, stream_, name.c_str(),
                                              line.substr(space + 1).c_str());
            if (options_.calls) return;
            send_credentials();
            return gather();
        }
        NiceCandidate* candidate =
            nice_agent_parse_remote_candidate_sdp(agent_, stream_, line.c_str());
        if (candidate == nullptr) fail("bad candidate: " + line);
        GSList* list = g_slist_append(nullptr, candidate);
        nice_agent_set_remote_candidates(agent_, stream_, kComponent, list);
        g_slist_free_full(list, reinterpret_cast<GDestroyNotify>(&nice_candidate_free));
    }

    // ---- what libnice says

    static void on_gathered(NiceAgent* /*agent*/, guint /*stream*/, gpointer self) {
        auto& side = *static_cast<Side*>(self);
        if (side.options_.trickles) return;
        if (side.options_.calls) return side.begin_call();
        announce("ready");
    }

    static void on_candidate(NiceAgent* agent, NiceCandidate* candidate, gpointer self) {
        auto& side = *static_cast<Side*>(self);
        if (!side.options_.trickles) return;
        gchar* line = nice_agent_generate_local_candidate_sdp(agent, candidate);
        side.send(line);
        g_free(line);
    }

    static void on_state(NiceAgent* /*agent*/, guint /*stream*/, guint /*component*/, guint state,
                         gpointer self) {
        auto& side = *static_cast<Side*>(self);
        if (state == NICE_COMPONENT_STATE_FAILED) fail("libnice found no path");
        if (!side.options_.calls) return;
        if (state >= NICE_COMPONENT_STATE_CONNECTED && state <= NICE_COMPONENT_STATE_READY) {
            side.on_usable();
        }
    }

    void on_usable() {
        if (connected_ms_ > 0) return;
        connected_ms_ = milliseconds_since(called_);
        send_message();
        g_timeout_add(kRepeatMs, &Side::on_repeat, this);
    }

    void send_message() {
        nice_agent_send(agent_, stream_, kComponent, sizeof called_,
                        reinterpret_cast<const gchar*>(&called_));
    }

    static gboolean on_repeat(gpointer self) {
        static_cast<Side*>(self)->send_message();
        return G_SOURCE_CONTINUE;
    }

    static void on_message(NiceAgent* agent, guint stream, guint component, guint size,
                           gchar* bytes, gpointer self) {
        auto& side = *static_cast<Side*>(self);
        std::int64_t called = 0;
        if (size != sizeof called) return;
        std::memcpy(&called, bytes, sizeof called);
        if (side.options_.calls) return side.finish();
        if (std::exchange(side.called_, called) != called) {
            announce("arrived message_ms=" + std::to_string(milliseconds_since(called)));
        }
        // Every copy is answered: the answer may be lost as well.
        nice_agent_send(agent, stream, component, size, bytes);
    }

    /// Our message came back.
    void finish() {
        announce("call connected_ms=" + std::to_string(connected_ms_) +
                 " cpu_ms=" + std::to_string(1000 * cpu_seconds()) +
                 " memory_mib=" + std::to_string(peak_memory_mib()));
        g_main_loop_quit(loop_);
    }

    static void announce(const std::string& text) {
        std::printf("%s\n", text.c_str());
        std::fflush(stdout);
    }

    Options options_;
    GMainLoop* loop_ = nullptr;
    GOutputStream* output_ = nullptr;
    GDataInputStream* input_ = nullptr;
    NiceAgent* agent_ = nullptr;
    guint stream_ = 0;
    std::string description_;
    std::int64_t called_ = 0;
    double connected_ms_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    cxxopts::Options options{"ice_message"};
    options.add_options()("answer", "be called", cxxopts::value<bool>())(
        "call", "call the other", cxxopts::value<bool>())("stun", "where STUN is answered",
                                                          cxxopts::value<std::string>())(
        "signalling", "where the relay of lines is", cxxopts::value<std::string>())(
        "trickle", "gather when called", cxxopts::value<bool>());
    try {
        const auto parsed = options.parse(argc, argv);
        if (parsed.count("call") + parsed.count("answer") != 1) fail(options.help());
        Side{{.calls = parsed.count("call") > 0,
              .trickles = parsed.count("trickle") > 0,
              .stun = parsed["stun"].as<std::string>(),
              .signalling = parsed["signalling"].as<std::string>()}}
            .run();
    } catch (const std::exception& error) {
        fail(error.what());
    }
    return 0;
}
