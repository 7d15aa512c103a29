/** Common names of address columns in many languages. Pure. */
import type { AddressKind } from './addresses.ts';

const words = (text: string) => new Set(text.trim().split(/\s+/));

/** As `simplify` leaves them. */
const PHONE = words(`
  phone phonenumber phoneno phonenr phonee164 e164 mobile mobilephone mobilephonenumber mobilenumber mobileno mobilenr cell
  cellphone cellphonenumber cellnumber msisdn tel telno telnr telephone telephonenumber sms smsnumber contactnumber contactphone
  handphone phonevalue primaryphone homephone workphone businessphone customerphone recipientphone
  telefon telefonnummer telefonnr handy handynummer handynr mobil mobilnummer mobilnr mobiltelefon mobiltelefonnummer mobilfunk
  mobilfunknummer rufnummer
  telephoneportable telephonemobile portable numerodetelephone numerotelephone numerodeportable telportable telmobile gsm
  telefono telefonomovil movil celular numerodetelefono numerotelefono numerodecelular numerodemovil telefonocelular
  cellulare numeroditelefono numerocellulare numerodicellulare
  telefone telemovel numerodetelefone numerodecelular
  telefoon telefoonnummer mobiel mobielnummer gsmnummer
  numertelefonu nrtelefonu komorka telefonkomorkowy numerkomorkowy
  telefonnicislo mobilnitelefon mobilnytelefon
  tlf tlfnr mobiltlf puhelin puhelinnumero matkapuhelin matkapuhelinnumero
  telefonszam mobilszam mobiltelefonszam numardetelefon numartelefon
  ceptelefonu cep cepno telefonnumarasi telepon nomortelepon ponsel nomorhp nohp dienthoai sodienthoai
  телефон мобильный мобильныителефон номертелефона сотовыи мобільнии мобільниителефон номертелефону
  τηλεφωνο κινητο αριθμοστηλεφωνου
  電話 電話番号 携帯 携帯電話 携帯番号 携帯電話番号 电话 电话号码 手机 手机号 手机号码 電話號碼 手機 手機號碼
  전화 전화번호 휴대폰 휴대전화 휴대폰번호
  هاتف الهاتف جوال الجوال رقمالهاتف رقمالجوال موبايل טלפון נייד फोन मोबाइल`);
const WHATSAPP = words('whatsapp whatsappnumber whatsappno whatsappnummer wa wanumber');
const EMAIL = words(`
  email emailaddress emailid mail mailaddress mailbox emailadresse mailadresse emailadres emailadress epost epostadress epostadresse
  courriel adressemail adresseemail adresseelectronique correo correoelectronico direccioncorreo direcciondecorreo emailvalue
  indirizzoemail enderecodeemail enderecoeletronico adresemail emailcim eposta epostaadresi sahkoposti sahkopostiosoite
  surel почта электроннаяпочта электроннаяпошта емеил имеил адресэлектроннойпочты
  メール メールアドレス 邮箱 电子邮件 电子邮箱 電子郵件 이메일 이메일주소 البريدالالكتروني בריד דואל`);
/** Ambiguous names: the cells of the column decide. */
const PERHAPS = words(
  'address addresses to recipient recipients contact destination number nr no nummer numero adresse direccion indirizzo optout optouts unsubscribed',
);

/** Small letters and digits only, without accents and without a number at the end. */
const simplify = (name: string) => {
  const plain = name
    .normalize('NFD')
    .replaceAll(/\p{M}/gu, '')
    .normalize('NFC')
    .toLowerCase()
    .replaceAll('ı', 'i')
    .replaceAll('ø', 'o')
    .replaceAll(/[^\p{L}\p{N}]/gu, '');
  return plain === 'e164' || plain === 'phonee164' ? plain : plain.replace(/\d+(value)?$/, '$1');
};

/** Whether a column with this name has addresses of a kind: certainly, perhaps, or not. */
export function isAddressName(kind: AddressKind, name: string, how: 'sure' | 'perhaps'): boolean {
  const plain = simplify(name);
  if (how === 'perhaps') return PERHAPS.has(plain);
  if (kind === 'EMAIL') return EMAIL.has(plain);
  if (kind === 'WHATSAPP') return WHATSAPP.has(plain) || PHONE.has(plain);
  return PHONE.has(plain) || (kind === 'ANY' && (EMAIL.has(plain) || WHATSAPP.has(plain)));
}

/** Whether the name of a column means WhatsApp numbers. */
export const isWhatsappName = (name: string) => WHATSAPP.has(simplify(name));
