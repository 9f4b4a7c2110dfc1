# ENet on our own platform layer: which ENet to link.
#
# shared/reliable/enet_platform.cpp replaces the functions through which ENet reaches the operating
# system. Whether a system library lets itself be overridden depends on how it was linked: with
# -Bsymbolic-functions it silently keeps its own sockets. So it is tried once, at configure time.
#
#   PINHOLE_ENET=auto    the system's libenet when it is 1.3.17 and takes the override, else fetch
#   PINHOLE_ENET=system  the system's libenet, or an error that says what is wrong with it
#   PINHOLE_ENET=fetch   upstream's sources, static: there our functions always win, since the
#                        linker then has no reason to pull ENet's own unix.o
#
# The result is the target pinhole_enet. `EnetHost` checks again when it starts.

set(PINHOLE_ENET auto CACHE STRING "Which ENet to link: auto, system or fetch")
set_property(CACHE PINHOLE_ENET PROPERTY STRINGS auto system fetch)
if(NOT PINHOLE_ENET MATCHES "^(auto|system|fetch)$")
    message(FATAL_ERROR "PINHOLE_ENET must be auto, system or fetch, not '${PINHOLE_ENET}'")
endif()

# v1.3.17. The release after it changed the structures that we read and write.
set(PINHOLE_ENET_VERSION 1.3.17)
set(PINHOLE_ENET_COMMIT e0e7045b7e056b454b5093cb34df49dc4cee0bee)

# Sets `result` to an empty string when the system's ENet is usable, else to the reason.
function(pinhole_check_system_enet result)
    pkg_check_modules(enet QUIET IMPORTED_TARGET libenet=${PINHOLE_ENET_VERSION})
    if(NOT enet_FOUND)
        set(${result} "pkg-config finds no libenet ${PINHOLE_ENET_VERSION}" PARENT_SCOPE)
        return()
    endif()
    set_property(TARGET PkgConfig::enet PROPERTY IMPORTED_GLOBAL TRUE)
    if(CMAKE_CROSSCOMPILING AND NOT CMAKE_CROSSCOMPILING_EMULATOR)
        set(${result} "the override cannot be tried when cross-compiling" PARENT_SCOPE)
        return()
    endif()
    # A changed platform file, compiler or library is a new question.
    file(SHA256 ${PROJECT_SOURCE_DIR}/shared/reliable/enet_platform.cpp platform_hash)
    set(question "${platform_hash} ${CMAKE_CXX_COMPILER} ${CMAKE_CXX_COMPILER_VERSION} ${CMAKE_CXX_FLAGS} ${enet_LINK_LIBRARIES}")
    if(NOT PINHOLE_ENET_PROBED STREQUAL question)
        pinhole_probe_system_enet(reason)
        set(PINHOLE_ENET_PROBED "${question}" CACHE INTERNAL "What the probe's answer is valid for")
        set(PINHOLE_ENET_PROBE_ANSWER "${reason}" CACHE INTERNAL "Empty when the override works")
    endif()
    set(${result} "${PINHOLE_ENET_PROBE_ANSWER}" PARENT_SCOPE)
endfunction()

# Compiles the platform file itself with a small main and runs it against the system's ENet.
function(pinhole_probe_system_enet result)
    message(STATUS "Checking that the system's ENet runs on our platform layer")
    try_run(exit_code compiled
        SOURCES ${PROJECT_SOURCE_DIR}/scripts/cmake/enet_probe.cpp
                ${PROJECT_SOURCE_DIR}/shared/reliable/enet_platform.cpp
        CMAKE_FLAGS "-DINCLUDE_DIRECTORIES:STRING=${PROJECT_SOURCE_DIR}\;${enet_INCLUDE_DIRS}"
        LINK_LIBRARIES ${enet_LINK_LIBRARIES}
        COMPILE_OUTPUT_VARIABLE compile_output
        RUN_OUTPUT_VARIABLE run_output
        CXX_STANDARD 20
        CXX_STANDARD_REQUIRED ON
        CXX_EXTENSIONS OFF)
    if(NOT compiled)
        set(reason "the probe does not compile:\n${compile_output}")
    elseif(NOT exit_code STREQUAL "0")
        string(STRIP "${run_output}" run_output)
        set(reason "the probe failed (${exit_code}): ${run_output}")
    else()
        set(reason "")
    endif()
    set(${result} "${reason}" PARENT_SCOPE)
endfunction()

# Upstream's sources, unmodified, as a static library. FETCHCONTENT_SOURCE_DIR_ENET names a copy
# that is already here.
function(pinhole_fetch_enet)
    include(FetchContent)
    FetchContent_Declare(enet
        GIT_REPOSITORY https://github.com/lsalzman/enet.git
        GIT_TAG ${PINHOLE_ENET_COMMIT})
    # Upstream's CMake file would add targets and options of its own for a handful of C files.
    FetchContent_GetProperties(enet)
    if(NOT enet_POPULATED)
        FetchContent_Populate(enet)
    endif()
    if(NOT EXISTS ${enet_SOURCE_DIR}/include/enet/enet.h)
        message(FATAL_ERROR "${enet_SOURCE_DIR} holds no ENet sources (include/enet/enet.h)")
    endif()
    list(TRANSFORM PINHOLE_ENET_SOURCES PREPEND ${enet_SOURCE_DIR}/ OUTPUT_VARIABLE sources)
    add_library(pinhole_enet_sources STATIC ${sources})
    set_target_properties(pinhole_enet_sources PROPERTIES UNITY_BUILD OFF)
    target_include_directories(pinhole_enet_sources SYSTEM PUBLIC ${enet_SOURCE_DIR}/include)
    # What upstream's configure finds on every system that we run on.
    target_compile_definitions(pinhole_enet_sources PRIVATE
        HAS_FCNTL=1 HAS_POLL=1 HAS_MSGHDR_FLAGS=1 HAS_SOCKLEN_T=1
        HAS_INET_PTON=1 HAS_INET_NTOP=1 HAS_GETADDRINFO=1 HAS_GETNAMEINFO=1)
endfunction()
set(PINHOLE_ENET_SOURCES
    callbacks.c compress.c host.c list.c packet.c peer.c protocol.c unix.c)

add_library(pinhole_enet INTERFACE)
set(reason "PINHOLE_ENET=fetch")
if(NOT PINHOLE_ENET STREQUAL "fetch")
    pinhole_check_system_enet(reason)
endif()
if(reason STREQUAL "")
    message(STATUS "ENet: the system's ${enet_VERSION}, which takes our platform layer")
    target_link_libraries(pinhole_enet INTERFACE PkgConfig::enet)
elseif(PINHOLE_ENET STREQUAL "system")
    message(FATAL_ERROR "The system's ENet cannot be used: ${reason}\n"
        "Configure with -DPINHOLE_ENET=fetch to build ENet ${PINHOLE_ENET_VERSION} from its sources.")
else()
    message(STATUS "ENet: building ${PINHOLE_ENET_VERSION} from its sources (${reason})")
    pinhole_fetch_enet()
    target_link_libraries(pinhole_enet INTERFACE pinhole_enet_sources)
endif()
