// classify: classifies images with a CvT on the CPU. This file chooses the mode and reports failures.
#include <cstdio>
#include <new>

#include "common/failure.hpp"
#include "common/text.hpp"
#include "modes/modes.hpp"
#include "options.hpp"
#include "output/record_file.hpp"
#include "output/terminal.hpp"
#include "platform/platform.hpp"
#include "setup.hpp"

namespace app {
namespace {

int run(const options& o) {
    if (!o.learn.empty()) return learn(o);
    if (!o.convert.empty()) return convert(o);
    const setup s = make_setup(o);
    if (o.verify) return verify(o, s);
    if (o.info) return info(o, s);
    if (!o.evaluate.empty()) return evaluate(o, s);
    if (!o.similar.empty()) return similar(o, s);
    return classify(o, s);
}

}  // namespace
}  // namespace app

int main(int argc, char** argv) {
    app::prepare_streams();
    app::catch_signals();
    try {
        const std::optional<app::options> options = app::parse_options(argc, argv);
        const int code = options ? app::run(*options) : app::all_good;
        app::finish_output();
        return code;
    } catch (const app::failure& f) {
        // An interrupt makes the read of a list or a configuration fail. Nothing has been computed yet.
        if (f.code == app::wrong_usage && app::interrupt_requested()) return app::interrupt_code();
        if (!f.message.empty())
            std::fprintf(stderr, "%s %s\n", app::paint{app::standard_error}.bad("classify:").c_str(),
                         app::terminal_text(f.message).c_str());
        return f.code;
    } catch (const std::bad_alloc&) {
        std::fputs("classify: out of memory\n", stderr);
        return app::some_failed;
    }
}
