# How everything here is compiled: C++20, warnings as errors, hardened, asserts kept.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()

# An assert is our own bug and stays on in every build: CMake's optimised configurations add
# -DNDEBUG, so it is taken out again.
foreach(language C CXX)
    foreach(configuration RELEASE RELWITHDEBINFO MINSIZEREL)
        string(REGEX REPLACE "[-/]DNDEBUG" "" CMAKE_${language}_FLAGS_${configuration}
            "${CMAKE_${language}_FLAGS_${configuration}}")
    endforeach()
endforeach()

# Most of the time of a source goes to the headers, so eight of them as one take half of it. The
# optimised builds compile them one by one: there each is seen to include what it uses.
if(PINHOLE_SANITIZE)
    set(CMAKE_UNITY_BUILD ${PINHOLE_UNITY})
endif()

find_program(PINHOLE_CCACHE ccache)
if(PINHOLE_CCACHE)
    # Paths relative to the tree, so that every checkout and build folder shares one cache. The
    # sloppiness is what a precompiled header needs; no source uses the macros that it is about.
    set(launcher ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
        CCACHE_SLOPPINESS=pch_defines,time_macros ${PINHOLE_CCACHE})
    set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
    set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
endif()

# Whether a header stands alone is no question for the optimiser.
set(verifies_header
    $<BOOL:$<FILTER:$<TARGET_PROPERTY:NAME>,INCLUDE,_verify_interface_header_sets>>)

add_library(pinhole_options INTERFACE)
target_include_directories(pinhole_options INTERFACE ${PROJECT_SOURCE_DIR})
# For a project that has this tree as a part of it.
target_compile_features(pinhole_options INTERFACE cxx_std_20)
target_compile_options(pinhole_options INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow
    $<$<BOOL:${PROJECT_IS_TOP_LEVEL}>:-Werror>
    # At -O3 g++ 12 sees a write past the end inside fmt 9's fill_t and overlapping copies inside
    # std::string (GCC PR 105651), where there are none.
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release>>:-Wno-stringop-overflow$<SEMICOLON>-Wno-restrict>
    # Functions and lines are all that a sanitizer's report, a backtrace and a profile show; the rest
    # of -g costs a fifth of the build. The build type Debug has all of it.
    $<$<AND:$<BOOL:${PROJECT_IS_TOP_LEVEL}>,$<CONFIG:RelWithDebInfo>>:-g1>
    $<${verifies_header}:-O0$<SEMICOLON>-g0>
    -fstack-protector-strong)
# cxxopts splits the values of a list at commas unless told otherwise; a message holds commas. Its
# parser by std::regex takes as long to compile as all else in a file of options.
# Asio asks whether there is std::aligned_alloc before it includes anything that could tell, so that
# the answer hung on what a source had included before it: one allocated and another freed otherwise.
target_compile_definitions(pinhole_options INTERFACE
    "CXXOPTS_VECTOR_DELIMITER='\\0'" CXXOPTS_NO_REGEX
    ASIO_STANDALONE ASIO_NO_DEPRECATED ASIO_HAS_CO_AWAIT ASIO_HAS_STD_ALIGNED_ALLOC
    PINHOLE_VERSION="${PROJECT_VERSION}")
target_link_options(pinhole_options INTERFACE -Wl,-z,relro,-z,now)

if(PINHOLE_SANITIZE)
    target_compile_options(pinhole_options INTERFACE
        -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(pinhole_options INTERFACE -fsanitize=address,undefined)
    if(PINHOLE_FUZZ)
        # libFuzzer finds its way by the coverage of the floors, so they are instrumented as well.
        target_compile_options(pinhole_options INTERFACE -fsanitize=fuzzer-no-link)
    endif()
else()
    target_compile_options(pinhole_options INTERFACE
        $<$<NOT:$<OR:$<CONFIG:Debug>,${verifies_header},$<BOOL:$<TARGET_PROPERTY:PINHOLE_TEST_CODE>>>>:-U_FORTIFY_SOURCE$<SEMICOLON>-D_FORTIFY_SOURCE=3>)
endif()
target_compile_definitions(pinhole_options INTERFACE _GLIBCXX_ASSERTIONS)
