// A prompt on the terminal with line editing and history, which gives way to incoming lines.
//
// Owns the terminal's mode while it lives: libedit runs in its callback style, one key at a time,
// on /dev/tty opened anew, so that no flag of ours shows in the user's shell. Hands over whole
// lines; refuses nothing.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <asio/io_context.hpp>

#include "peer/screen.hpp"

namespace pinhole::peer {

class Console final : public Overlay {
  public:
    struct Callbacks {
        /// A line without its end. May `stop` the console, but not destroy it.
        std::function<void(std::string line)> on_line;
        /// Ctrl-D on an empty line, or the terminal is gone.
        std::function<void()> on_end;
    };

    /// Shows the prompt. Throws std::system_error when there is no terminal to open.
    Console(asio::io_context& io, const std::string& prompt, Callbacks callbacks);
    ~Console() override;
    Console(const Console&) = delete;
    Console& operator=(const Console&) = delete;

    /// Both stdin and stderr are terminals, so that somebody sees a prompt and can answer it.
    [[nodiscard]] static bool is_possible();

    /// Another prompt, from the next `show` on: ask the screen to repaint.
    void set_prompt(std::string prompt);

    void hide() override;
    void show() override;

    /// Takes the prompt away and restores the terminal; for good.
    void stop();

  private:
    struct Terminal;

    void wait();
    void wait_for_output();
    void on_readable();

    std::unique_ptr<Terminal> terminal_;
    Callbacks callbacks_;
};

}  // namespace pinhole::peer
