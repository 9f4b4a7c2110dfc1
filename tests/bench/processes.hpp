// Processes that a benchmark starts beside itself, and what they cost.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pinhole::bench {

/// Ends the program with a sentence that names it.
[[noreturn]] inline void fail(const char* program, const char* what) {
    std::fprintf(stderr, "%s: %s\n", program, what);
    std::_Exit(1);
}

/// Runs `role` in a process of its own that ends with this one.
template <class Role>
[[nodiscard]] pid_t spawn(Role role) {
    const pid_t child = fork();
    if (child < 0) fail("benchmark", "fork failed");
    if (child > 0) return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    role();
    std::_Exit(0);
}

/// Ends a process of ours and waits for it.
inline void end(pid_t process) {
    kill(process, SIGKILL);
    waitpid(process, nullptr, 0);
}

/// Waits for a process of ours: 0 if it ended well.
[[nodiscard]] inline int exit_status_of(pid_t process) {
    int status = 0;
    waitpid(process, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/// Keeps the calling process on one core, if there is such a core.
inline void stay_on_core(int core) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    static_cast<void>(sched_setaffinity(0, sizeof cores, &cores));
}

/// How long the threads of a process ran so far, and how long they could have but had no core, by
/// the scheduler's count, in seconds.
struct Schedule {
    double ran = 0;
    double waited = 0;
};

[[nodiscard]] inline Schedule schedule_of(pid_t process) {
    Schedule out;
    std::error_code error;
    const std::filesystem::path tasks = "/proc/" + std::to_string(process) + "/task";
    for (const auto& task : std::filesystem::directory_iterator{tasks, error}) {
        std::FILE* const file = std::fopen((task.path() / "schedstat").c_str(), "r");
        if (file == nullptr) continue;
        unsigned long long ran = 0;
        unsigned long long waited = 0;
        if (std::fscanf(file, "%llu %llu", &ran, &waited) == 2) {
            out.ran += static_cast<double>(ran) / 1e9;
            out.waited += static_cast<double>(waited) / 1e9;
        }
        std::fclose(file);
    }
    return out;
}

/// Resident memory of another process, in bytes.
[[nodiscard]] inline std::uint64_t memory_of(pid_t process) {
    const std::string path = "/proc/" + std::to_string(process) + "/statm";
    std::FILE* const file = std::fopen(path.c_str(), "r");
    if (file == nullptr) return 0;
    unsigned long long total = 0;
    unsigned long long resident = 0;
    const int fields = std::fscanf(file, "%llu %llu", &total, &resident);
    std::fclose(file);
    return fields == 2 ? resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

/// The most that it ever was, in bytes.
[[nodiscard]] inline std::uint64_t peak_memory_of(pid_t process) {
    std::ifstream file{"/proc/" + std::to_string(process) + "/status"};
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("VmHWM:")) return 1024 * std::strtoull(line.c_str() + 6, nullptr, 10);
    }
    return 0;
}

}  // namespace pinhole::bench
