/** The help of pvtx, from which completion takes the names of the commands: two blanks before each, its explanation behind two others. */
export const help = `Usage: pvtx COMMAND [ARGUMENT...]

Changes the state of a device in one transaction: nothing happens before 'commit' or 'deploy'.

Commands:
  begin [BASE [OBJECTS]]  start a transaction
                          BASE: current (the running revision, default), empty, a file with a state, or a
                          folder with json or .pvr/json in it. With a folder OBJECTS the transaction is
                          local: it stays on this machine
  add FILE|-              add a package of 'pvr export' (tar or tar.gz) or a state (JSON)
                          in the place of what its former version signed; - is standard input
  remove PART             remove a part: web, _config/web or _sigs/web.json
  show                    print the state
  commit [locals/NAME]    hand it to the device as a local revision and print its name
  deploy FOLDER           write a local transaction in the place of a folder
  abort                   give it up
  queue new QUEUE OBJECTS  gather in the folder QUEUE, objects in OBJECTS
  queue remove PART       put a removal into the queue
  queue unpack FILE|-     put a package into the queue
  queue process [BASE [QUEUE OBJECTS]]  carry the queue out
  completion bash|zsh|fish  print a completion script

Examples:
  $ pvtx begin && pvtx add web.tgz && pvcontrol cmd run "$(pvtx commit)"
      updates one container of the running revision
  $ pvtx begin empty /tmp/objects && pvtx add device.tgz && pvtx deploy /mnt/trails/0
      fills a disk image

Environment:
  PVTXDIR         folder of the transaction; default $PREFIX/var/cache/pvtx, for users ~/.local/share/pvtx
  PV_CTRL_SOCKET  control socket of the device
`;
