import { randomInt } from 'node:crypto';
import { randomText } from './secrets.ts';

const adverbs =
  'ably amply aptly avidly badly barely basely blandly blindly boldly bravely briefly brightly briskly broadly calmly cleanly clearly closely coldly coolly crisply curtly daily daintily dearly deeply densely dimly duly eagerly early easily evenly fairly faintly firmly fondly frankly freely freshly friskily fully gaily gently gladly grandly gravely greatly happily hardly heavily highly hotly humbly jointly keenly kindly largely lately lazily lightly likely loosely loudly lovingly loyally mainly meekly merely mildly mostly namely nearly neatly newly nicely nimbly nobly oddly openly overly partly plainly poorly proudly purely quickly quietly rarely rashly readily really richly rightly roundly safely sharply shortly simply slowly smoothly softly solely sparsely steadily sternly strictly strongly surely sweetly swiftly tamely tenderly thinly tightly truly vastly violently warmly wholly widely wildly wisely'.split(
    ' ',
  );
const adjectives =
  'able active agile amber ample ancient apt arctic artful atomic awake balanced bold brave breezy bright brisk bronze calm candid careful cheerful chief civil clean clear clever coastal complete cosmic crisp curious daring deep dynamic eager early easy elegant equal exact expert fair famous fast fine firm fit fluent fond frank free fresh gentle gifted glad golden good grand great handy happy hardy hearty helpful honest huge humble ideal intent jolly keen kind large lasting learning lively logical loved loyal lucky major mature mellow mint modern modest moved native neat new nice noble notable novel open patient pleasant polished precise prime proper proud quick quiet rapid rare ready real refined regular remarkable rich robust rugged safe secure select settled sharp silver simple smart smooth social solid sound stable steady sterling still strong sunny sure swift tender tidy topical true trusty unique upright vast vital warm wealthy well willing wise worthy'.split(
    ' ',
  );
const animals =
  'adder albacore alpaca anchovy ant antelope ape badger barnacle bass bat bear beagle bee beetle bison blowfish boar bobcat buck bull buffalo bunny caiman camel cardinal caribou cat catfish cheetah chicken chipmunk cicada clam cobra cod collie colt condor coral corgi cougar cow coyote crab crane cricket crow cub deer dingo dog dolphin donkey dove dragon drake duck eagle eel egret elf elk emu ewe falcon fawn feline ferret finch firefly fish flamingo fly fowl fox frog gannet gazelle gecko gelding ghoul giraffe glider gnat gnu goat goblin goldfish gopher goose gorilla grouper grouse grub guinea gull guppy hamster hare hawk hedgehog hen heron herring hippo hog hornet horse hound husky hyena ibex iguana impala insect jackal jackass jaguar jay jennet joey katydid kingfish kit kitten kite kiwi koala koi krill lab labrador ladybug lamb lamprey lark lemming lemur leopard lion lioness lizard llama lobster locust loon louse lynx macaque macaw magpie mako mallard mammal mammoth man manatee mantis marlin marmoset marmot marten martin mastiff meerkat midge mink minnow mite moccasin mole mollusk mongoose monkey moose moray mosquito moth mouse mudfish mule mullet muskox muskrat mustang newt ocelot octopus opossum orca oryx osprey ostrich owl ox oyster panda pangolin panther parrot peacock pegasus pelican penguin perch pheasant pig pigeon piglet pika pipefish piranha platypus polecat polliwog pony poodle porpoise possum prawn primate puma pup python quagga quail rabbit raccoon ram raptor rat ray redfish reindeer reptile rhino robin rodent rooster sailfish salamander salmon satyr sawfish sawfly seagull seahorse seal seasnail serval shad shark sheep shepherd shiner shrew shrimp skink skunk skylark sloth slug snail snake snapper snipe sparrow spider sponge squid squirrel stag stallion starfish starling stingray stork stud sturgeon sunbeam sunbird sunfish swan swift swine tadpole tahr tapir tarpon teal termite terrapin terrier tetra thrush tick tiger titmouse toad tomcat tortoise toucan treefrog troll trout tuna turkey turtle urchin vervet viper vulture walleye wallaby walrus warthog wasp weasel weevil werewolf whale whippet wildcat wolf wombat woodcock worm wren yak yeti zebra'.split(
    ' ',
  );

const pick = (words: readonly string[]) => words[randomInt(words.length)] ?? '';

/** Names that people can say aloud, drawn with a cryptographic source (hub-api §2). */
export const wordNames = {
  /** nick of an owned device, a join token or an access token */
  nick: () => [pick(adverbs), pick(adjectives), pick(animals)].join('_'),
  /** nick of a device nobody owns yet; the random tail keeps it unique among all of them */
  unclaimed: () => `__unregistered__${pick(animals)}_${randomText(10, 'abcdefghijklmnopqrstuvwxyz')}`,
  /** words that prove possession of an unclaimed device */
  challenge: () => [pick(adverbs), pick(adjectives), pick(animals)].join('-'),
  app: () => [pick(adjectives), pick(animals)].join('_'),
};
