// A copy of the repository with its build, plus stand-ins for the files that the README's commands take from elsewhere.
#pragma once

#include <stdlib.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <cvt/config.hpp>

#include "markdown.hpp"
#include "support/checkpoints.hpp"
#include "support/sounds.hpp"
#include "support/temporary_folder.hpp"

namespace cvt_test {

struct outcome {
    int code = -1;
    std::string out, err;
};

/// Runs commands as they are written, with small stand-ins for downloads and the user's files. Every published model for photos is the
/// built-in one, ProtoCLR has generated weights, and `git clone` of a model needs no network. `photo.jpg` is the cathedral, ImageNet has
/// one photo per class, and `recordings/` has one generated sound.
class sandbox {
public:
    sandbox() {
        for (const auto& entry : fs::directory_iterator{CVT_SOURCE})
            if (entry.path().filename() != "build") link(entry.path(), entry.path().filename());
        for (const auto& entry : fs::directory_iterator{CVT_BINARY})  // programs only: a command must not configure the build that runs it
            if (entry.is_regular_file() && (entry.status().permissions() & fs::perms::owner_exec) != fs::perms::none)
                link(entry.path(), "build/release" / entry.path().filename());
        link(images / "berlin_cathedral.jpg", "photo.jpg");
        link(images / "berlin_cathedral.jpg", "photos/church.jpg");
        link(images / "golf_ball.png", "photos/ball.png");
        link(images / "berlin_cathedral.jpg", "holiday.jpg");
        link(images / "berlin_cathedral.jpg", "my-photos/church/1.jpg");
        link(images / "golf_ball.png", "my-photos/ball/1.png");
        for (const fs::path validation : {"val", "imagenette2/val"}) {
            link(images / "berlin_cathedral.jpg", validation / "n03028079/a.jpg");
            link(images / "golf_ball.png", validation / "n03445777/b.png");
        }
        link(weights / "model.safetensors", "run7.pth");  // readers look at the content, not at the name
        link(weights / "config.json", "run7.json");       // not config.json, which would be read with every single file beside it
        write("pytorch_model.bin", formula_file(cvt::cvt_13));
        write("bin/git",
              "#!/bin/sh\ncase \"$1 $2\" in\n'clone https://huggingface.co/microsoft/cvt-'*) exec ln -s weights \"${2##*/}\" ;;\n"
              "'clone https://huggingface.co/ilyassmoummad/ProtoCLR') exec mv published/ProtoCLR . ;;\nesac\n"
              "echo \"git: not expected: $*\" >&2\nexit 1\n");
        fs::permissions(folder_ / "bin/git", fs::perms::owner_all);
        const char* path = ::getenv("PATH");
        path_ = folder_ / "bin" + (path != nullptr ? std::string{":"} + path : "");
    }

    [[nodiscard]] outcome run(const std::string& command) const {
        write("command", command + "\n");
        const std::string shell = "cd '" + folder_.path() + "' && PATH='" + path_ + "' NO_COLOR=1 sh command >out 2>err </dev/null";
        const int status = std::system(shell.c_str());
        return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_file(folder_ / "out"), read_file(folder_ / "err")};
    }

    /// Makes the files of docs/sounds.md. ProtoCLR's layout: weights without a config.json of transformers, but Microsoft's.
    void write_sounds() const {
        cvt::config c = cvt::cvt_13;
        c.num_channels = 1;
        c.num_classes = 0;
        write("published/ProtoCLR/protoclr.pth", formula_file(c));
        write("published/ProtoCLR/config.json",
              R"({"OUTPUT_DIR": "OUTPUT/", "MODEL": {"NAME": "cls_cvt", "SPEC": {"INIT": "trunc_norm", "NUM_STAGES": 3,
                  "PATCH_SIZE": [7, 3, 3], "PATCH_STRIDE": [4, 2, 2], "PATCH_PADDING": [2, 1, 1], "DIM_EMBED": [64, 192, 384],
                  "NUM_HEADS": [1, 3, 6], "DEPTH": [1, 2, 10], "MLP_RATIO": [4.0, 4.0, 4.0], "QKV_BIAS": [true, true, true],
                  "CLS_TOKEN": [false, false, true], "QKV_PROJ_METHOD": ["dw_bn", "dw_bn", "dw_bn"], "KERNEL_QKV": [3, 3, 3],
                  "PADDING_KV": [1, 1, 1], "STRIDE_KV": [2, 2, 2], "PADDING_Q": [1, 1, 1], "STRIDE_Q": [1, 1, 1]}}})");
        write("recordings/dawn.flac", wav_file(sound(48000, 684'000), 48000));  // 14.25 s; its content decides what it is
    }

    void write(const fs::path& name, const std::string& content) const {
        fs::create_directories((folder_.path() / name).parent_path());
        REQUIRE(write_file(folder_ / name, content));
    }
    void link(const fs::path& target, const fs::path& name) const {
        fs::create_directories((folder_.path() / name).parent_path());
        fs::create_symlink(target, folder_.path() / name);
    }

private:
    const fs::path weights = fs::path{CVT_SOURCE} / "weights", images = fs::path{CVT_SOURCE} / "examples/images";
    temporary_folder folder_;
    std::string path_;
};

}  // namespace cvt_test
